// Commongen writes common.bin, the filter of passwords that are refused because
// everybody tries them first: common passwords, English words, given names and
// surnames. The same lists give the same bytes.
package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/FastFilter/xorfilter"
	"github.com/ccojocar/zxcvbn-go/frequency"

	"headykey.com/headykey/internal/secret"
)

func main() {
	data, err := build()
	if err == nil {
		err = os.WriteFile("common.bin", data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "commongen:", err)
		os.Exit(1)
	}
}

// build returns the filter of all words of at least four characters.
func build() ([]byte, error) {
	var keys []uint64
	for _, list := range frequency.Lists {
		for _, word := range list.List {
			if utf8.RuneCountInString(word) >= 4 {
				keys = append(keys, secret.CommonKey(word))
			}
		}
	}
	slices.Sort(keys)
	filter, err := xorfilter.NewBinaryFuse[uint16](slices.Compact(keys))
	if err != nil {
		return nil, fmt.Errorf("build the filter: %w", err)
	}
	var out bytes.Buffer
	if err := filter.Save(&out); err != nil {
		return nil, fmt.Errorf("encode the filter: %w", err)
	}
	return out.Bytes(), nil
}
