package cli

// nearest returns the name of names that the fewest edits turn word into; of
// equals the first, and "" if there are no names. Only the first 64 bytes of word
// count, which is more than any name has.
func nearest(word string, names []string) string {
	word = word[:min(len(word), 64)]
	best, least := "", -1
	for _, name := range names {
		if d := edits(word, name); least < 0 || d < least {
			best, least = name, d
		}
	}
	return best
}

// edits returns the Levenshtein distance of a and b in bytes: how many must be
// put in, taken out or changed. It keeps one row of the table.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
