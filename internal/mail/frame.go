package mail

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"unicode/utf8"
)

const (
	product  = "HeadyKey"
	maxValue = 144 // bytes of one dynamic value, such as a fact or a label
	columns  = 72  // of the text part; addresses of pages are never broken
)

// A Link is words and the page they lead to.
type Link struct {
	Label string
	URL   string // http or https; any other is left out
}

// A Fact is one line of who, where and when.
type Fact struct{ Name, Value string }

// A Content is what one mail says. All but To, Subject and Heading may be empty.
// Text is untrusted throughout: Render escapes it and keeps it on its line.
type Content struct {
	To         string
	Subject    string
	Heading    string
	Paragraphs []string
	Code       string // to type in, instead of following the button
	Button     Link
	Also       Link   // a second way, as a plain link
	Facts      []Fact // who, where, when
	NotYou     Link   // what to do if it was somebody else; the URL may be empty
	RequestID  string
}

//go:embed frame.html
var frameHTML string

// frame is the one HTML frame of all mails. Colours are inline, as mail programs
// demand; those that know of dark mode read the style sheet at its head.
var frame = template.Must(template.New("frame").Parse(frameHTML))

// Render returns c as a message: the same words as text and as HTML. Both parts
// stand alone: no image, font or counter is fetched from anywhere.
func Render(c Content) Message {
	c = c.clean()
	var html strings.Builder
	if err := frame.Execute(&html, c); err != nil {
		panic(fmt.Sprintf("mail frame: %v", err)) // the frame and Content disagree: a bug
	}
	return Message{To: c.To, Subject: c.Subject, Text: c.text(), HTML: html.String()}
}

// text returns the plain part of a clean c.
func (c Content) text() string {
	var blocks []string
	add := func(block string) {
		if block != "" {
			blocks = append(blocks, block)
		}
	}
	add(wrap(c.Heading))
	for _, p := range c.Paragraphs {
		add(wrap(p))
	}
	if c.Code != "" {
		add("Code: " + c.Code)
	}
	add(c.Button.text())
	add(c.Also.text())
	facts := make([]string, 0, len(c.Facts))
	for _, f := range c.Facts {
		facts = append(facts, f.Name+": "+f.Value)
	}
	add(strings.Join(facts, "\n"))
	if c.NotYou.URL == "" {
		add(wrap(c.NotYou.Label))
	}
	add(c.NotYou.text())
	foot := product
	if c.RequestID != "" {
		foot += "\nRequest " + c.RequestID
	}
	add(foot)
	return strings.Join(blocks, "\n\n") + "\n"
}

// text returns the words with the page's address below, or "" without a page.
func (l Link) text() string {
	if l.URL == "" {
		return ""
	}
	return wrap(l.Label) + ":\n" + l.URL
}

// clean returns a copy of c in which every string is one printable line, every
// value is short and every URL is one that a mail may carry.
func (c Content) clean() Content {
	c.Subject = cut(line(c.Subject), maxSubject)
	c.Heading = line(c.Heading)
	c.Code = cut(line(c.Code), maxValue)
	c.RequestID = cut(line(c.RequestID), maxValue)
	c.Button, c.Also, c.NotYou = c.Button.clean(), c.Also.clean(), c.NotYou.clean()

	paragraphs := make([]string, 0, len(c.Paragraphs))
	for _, p := range c.Paragraphs {
		paragraphs = append(paragraphs, line(p))
	}
	c.Paragraphs = paragraphs

	facts := make([]Fact, 0, len(c.Facts))
	for _, f := range c.Facts {
		facts = append(facts, Fact{cut(line(f.Name), maxValue), cut(line(f.Value), maxValue)})
	}
	c.Facts = facts
	return c
}

func (l Link) clean() Link {
	return Link{Label: line(l.Label), URL: webAddress(l.URL)}
}

// webAddress returns s if it is an absolute http or https URL in the characters
// of RFC 3986 §2, and "" otherwise.
func webAddress(s string) string {
	foreign := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }
	if strings.ContainsFunc(s, foreign) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	return s
}

// line returns s as one line of valid UTF-8: what breaks, controls or reorders a
// line becomes a space, and spaces are single.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// cut returns at most limit bytes of s, in whole characters, with an ellipsis in
// place of what was lost.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	n := limit - len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// wrap breaks s between words into lines of at most 72 characters. A longer word
// has a line to itself.
func wrap(s string) string {
	var b strings.Builder
	width := 0
	for _, word := range strings.Fields(s) {
		n := utf8.RuneCountInString(word)
		switch {
		case width == 0:
		case width+1+n > columns:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String()
}
