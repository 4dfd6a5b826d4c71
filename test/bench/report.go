//go:build linux

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A report is what was found on one engine.
type report struct {
	Engine  string   `json:"engine"`
	Skipped string   `json:"skipped,omitempty"` // why there is nothing
	Figures []figure `json:"operations"`
	Facts   []fact   `json:"facts"`
}

// A figure is the cost of one operation: medians of its rounds.
type figure struct {
	Name  string    `json:"name"`
	Bar   float64   `json:"bar,omitempty"` // cap/s to reach
	CPU   float64   `json:"cpu_us"`        // server and database, per operation
	Cap   float64   `json:"cap_per_s"`     // on two cores
	Ratio float64   `json:"ratio"`         // of CPU, to the hello world measured beside
	Rate  float64   `json:"rate_per_s"`    // as seen, generator included: a lower bound
	P50   float64   `json:"p50_ms"`
	P99   float64   `json:"p99_ms"`
	Hello []float64 `json:"hello_us"` // the hello world in each round
}

// A fact is a single number with its bound.
type fact struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Below float64 `json:"below,omitempty"` // 0: no bound
}

func (r *report) add(f figure) { r.Figures = append(r.Figures, f) }

func (r *report) tell(name string, value float64, unit string, below float64) {
	r.Facts = append(r.Facts, fact{name, value, unit, below})
}

// print writes the tables for a person.
func (r *report) print(to io.Writer) {
	_, _ = fmt.Fprintf(to, "\n%s\n", r.Engine)
	if r.Skipped != "" {
		_, _ = fmt.Fprintln(to, r.Skipped)
		return
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "operation\tCPU µs\tcap/s\tbar\t\thellos\treq/s\tp50 ms\tp99 ms\t")
	for _, f := range r.Figures {
		_, _ = fmt.Fprintf(w, "%s\t%.1f\t%.0f\t%s\t%.2f\t%.0f\t%.2f\t%.2f\t\n",
			f.Name, f.CPU, f.Cap, barText(f.Bar, f.Cap), f.Ratio, f.Rate, f.P50, f.P99)
	}
	_ = w.Flush()
	w = tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\t\t\tbelow\t\t")
	for _, f := range r.Facts {
		_, _ = fmt.Fprintf(w, "%s\t%.2f\t%s\t%s\t\n", f.Name, f.Value, f.Unit, boundText(f))
	}
	_ = w.Flush()
}

func barText(bar, got float64) string {
	switch {
	case bar == 0:
		return "\t"
	case got < bar:
		return fmt.Sprintf("%.0f\tmissed", bar)
	}
	return fmt.Sprintf("%.0f\tmet", bar)
}

func boundText(f fact) string {
	switch {
	case f.Below == 0:
		return "\t"
	case f.Value >= f.Below:
		return fmt.Sprintf("%g\tmissed", f.Below)
	}
	return fmt.Sprintf("%g\tmet", f.Below)
}
