//go:build !linux

package cache

import "context"

// kernelHolder is Linux's; Open does not use it elsewhere.
type kernelHolder struct{}

func newKernelHolder() kernelHolder { return kernelHolder{} }

func (kernelHolder) name() string { return string(Kernel) }

func (kernelHolder) get(context.Context) (cacheKey, error) {
	return cacheKey{}, &unavailable{reason: "only Linux has a kernel keyring"}
}

func (kernelHolder) put(context.Context, cacheKey) error {
	return &unavailable{reason: "only Linux has a kernel keyring"}
}

func (kernelHolder) drop(context.Context) error { return nil }
