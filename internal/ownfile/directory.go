package ownfile

import (
	"fmt"
	"os"
)

// PrivateDirectory returns an error unless dir is a directory that only this user can enter. Windows has access lists for
// that, which a directory in the user's profile inherits.
func PrivateDirectory(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	who := foreignOwner(info, false)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is a link or a file, not a directory", dir)
	case who != "":
		return fmt.Errorf("%s belongs to %s", dir, who)
	case openToOthers(info):
		return fmt.Errorf("%s is open to others (mode %04o)", dir, info.Mode().Perm())
	}
	return nil
}
