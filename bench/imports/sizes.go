package main

import (
	"debug/elf"
	"strings"
)

// sizes sums the symbols of each package as they are in the file: code and data, not what is only zeroed memory when the
// program runs. What the linker makes of all of them, line tables and type links, is of no package.
func sizes(path string) (map[string]int64, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		return nil, err
	}
	bytes := map[string]int64{}
	for _, s := range symbols {
		if int(s.Section) >= len(file.Sections) || s.Section == elf.SHN_UNDEF || file.Sections[s.Section].Type == elf.SHT_NOBITS {
			continue
		}
		bytes[packageOf(s.Name)] += int64(s.Size)
	}
	return bytes, nil
}

// packageOf knows the compiler's own functions for a type, too, as those of the type's package. A symbol that is of no
// package gives nothing.
func packageOf(symbol string) string {
	for _, made := range []string{"type:.eq.", "type:.hash."} {
		symbol = strings.TrimPrefix(symbol, made)
	}
	if strings.HasPrefix(symbol, "go:") || strings.HasPrefix(symbol, "type:") {
		return ""
	}
	// What a generic function is made for is not whose it is.
	symbol, _, _ = strings.Cut(symbol, "[")
	last := strings.LastIndex(symbol, "/") + 1
	dot := strings.Index(symbol[last:], ".")
	if dot < 0 {
		return ""
	}
	// A dot in the last part of a path is written so, since the first one ends the package.
	return strings.ReplaceAll(symbol[:last+dot], "%2e", ".")
}
