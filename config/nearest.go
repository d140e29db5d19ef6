package config

import (
	"maps"
	"slices"
	"strings"
)

// maxWord bounds the words that are compared: longer ones are no typing
// mistake of a known one.
const maxWord = 64

// nearest returns the candidate that word was most likely meant to be, or
// nothing if none is near.
func nearest(word string, candidates []string) string {
	if len(word) > maxWord {
		return ""
	}
	best, limit := "", max((len(word)+1)/3, 1)+1
	for _, c := range candidates {
		if dist := distance(strings.ToLower(word), c); dist < limit {
			best, limit = c, dist
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to turn a into b (optimal string alignment).
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, prev, cur := rows[0], rows[1], rows[2]
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = prev, cur, before
	}
	return rows[1][len(b)]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func allOf[V any](m map[string]V) string { return strings.Join(sortedKeys(m), ", ") }

// someOf is allOf for places that have no room.
func someOf[V any](m map[string]V) string {
	keys := sortedKeys(m)
	if len(keys) > 4 {
		return strings.Join(keys[:4], ", ") + ", ..."
	}
	return strings.Join(keys, ", ")
}
