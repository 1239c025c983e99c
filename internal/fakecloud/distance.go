package fakecloud

import (
	"io"
	"net"
	"sync"
	"time"
)

// Distance is a way to a server that is some round-trip time away. A connection takes one of it to be made, as TCP's does,
// and every byte half of it in either direction.
type Distance struct {
	// Address is the host and port to connect to instead of the server's.
	Address string

	listener net.Listener
	all      sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool
}

// StartDistance starts one to the host and port of a server.
func StartDistance(to string, roundTrip time.Duration) (*Distance, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &Distance{Address: listener.Addr().String(), listener: listener, open: map[net.Conn]bool{}}
	d.all.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			made := time.Now().Add(roundTrip)
			d.all.Go(func() {
				defer d.keep(near)()
				far, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer d.keep(far)()
				carry(near, near, far, made, roundTrip)
			})
		}
	})
	return d, nil
}

// keep has Close close c, until what it returns does.
func (d *Distance) keep(c net.Conn) func() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[c] = true
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.open, c)
		_ = c.Close()
	}
}

// Close ends every connection too.
func (d *Distance) Close() {
	_ = d.listener.Close()
	d.mu.Lock()
	for c := range d.open {
		_ = c.Close()
	}
	d.mu.Unlock()
	d.all.Wait()
}

// carry carries what said says to far, from made on, and what far says to near, until far has no more to say.
func carry(said io.Reader, near, far net.Conn, made time.Time, roundTrip time.Duration) {
	var there sync.WaitGroup
	there.Go(func() {
		delayed(far, said, made, roundTrip/2)
		if c, ok := far.(*net.TCPConn); ok {
			_ = c.CloseWrite()
		}
	})
	delayed(near, far, made, roundTrip/2)
	_ = near.Close()
	there.Wait()
}

// delayed copies, so that each byte is there so much after it was read, and so much after from.
func delayed(to io.Writer, said io.Reader, from time.Time, by time.Duration) {
	type chunk struct {
		data []byte
		due  time.Time
	}
	underway := make(chan chunk, 1024)
	var written sync.WaitGroup
	written.Go(func() {
		for c := range underway {
			time.Sleep(time.Until(c.due))
			if _, err := to.Write(c.data); err != nil {
				// What is underway is lost; the reader notices by itself that nobody is there any more.
				for range underway {
				}
				return
			}
		}
	})
	for {
		data := make([]byte, 32<<10)
		n, err := said.Read(data)
		if n > 0 {
			due := time.Now()
			if due.Before(from) {
				due = from
			}
			underway <- chunk{data[:n], due.Add(by)}
		}
		if err != nil {
			break
		}
	}
	close(underway)
	written.Wait()
}
