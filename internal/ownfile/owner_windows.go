package ownfile

import "io/fs"

// Windows guards directories by access lists that a profile directory inherits; there is no owner number to compare.
func foreignOwner(fs.FileInfo, bool) string { return "" }

func othersMayReplace(fs.FileInfo) bool { return false }

func groupMayReplace(fs.FileInfo) bool { return false }

func openToOthers(fs.FileInfo) bool { return false }

func otherNames(fs.FileInfo) bool { return false }
