package ownfile

import "golang.org/x/sys/unix"

// passing opens a directory to pass through, which takes no permission to list it.
const passing = unix.O_PATH
