package store

import (
	"strconv"
	"strings"

	"headykey.com/headykey"
)

// A where gathers conditions and their parameters. Conditions are our own
// constant text with ? for each parameter; values never enter the text.
type where struct {
	conditions []string
	args       []any
}

func (w *where) add(condition string, args ...any) {
	var b strings.Builder
	for _, part := range strings.SplitAfter(condition, "?") {
		text, isParam := strings.CutSuffix(part, "?")
		b.WriteString(text)
		if isParam {
			b.WriteString(w.arg(args[0]))
			args = args[1:]
		}
	}
	w.conditions = append(w.conditions, b.String())
}

// in keeps what has one of values in column; none keep all.
func (w *where) in(column string, values []string) {
	if len(values) == 0 {
		return
	}
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = w.arg(v)
	}
	w.conditions = append(w.conditions, column+" IN ("+strings.Join(places, ", ")+")")
}

// before keeps what stands behind m in a list that runs from new to old.
func (w *where) before(timeColumn, idColumn string, m headykey.Mark) {
	if !m.At.IsZero() {
		w.add(`(`+timeColumn+`, `+idColumn+`) < (?, ?)`, at(m.At), m.ID)
	}
}

// arg adds a parameter and returns its place holder.
func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

// text is the WHERE clause, or "".
func (w *where) text() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}
