package tcp

import "strings"

// nearest is the one of known that key begins, or else the one that takes the
// fewest edits to come to from key; the first of them if several do.
func nearest(key string, known []string) string {
	best, fewest := "", -1
	for _, k := range known {
		if strings.HasPrefix(k, key) {
			return k
		}
		if d := editDistance(key, k); fewest < 0 || d < fewest {
			best, fewest = k, d
		}
	}
	return best
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
