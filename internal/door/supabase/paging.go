package supabase

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	usualPage = 50   // rows of a page
	maxPage   = 1000 // the same, whatever was asked for
)

// A page is a part of a list, as clients number it.
type page struct{ number, size int }

// pageOf returns the page that r asks for.
func pageOf(r *http.Request) (page, error) {
	number, err := positive(r, "page", 1)
	if err != nil {
		return page{}, err
	}
	size, err := positive(r, "per_page", usualPage)
	if err == nil && size == 0 {
		err = errValidation.saying("Bad Pagination Parameters: per_page must be greater than 0")
	}
	return page{max(number, 1), min(size, maxPage)}, err
}

// positive returns the whole number of a parameter; usual, if there is none.
func positive(r *http.Request, name string, usual int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, errValidation.saying("Bad Pagination Parameters: " + name + " is no whole number that can be used")
	}
	return int(n), nil
}

// offset is how many rows stand before p.
func (p page) offset() int { return (p.number - 1) * p.size }

// tell sets the headers by which clients page: how many rows there are, and where the
// next and the last page are (RFC 8288).
func (p page) tell(c *call, total int64) {
	last := int((total + int64(p.size) - 1) / int64(p.size))
	var links []string
	if last > p.number {
		links = append(links, pageLink(c.URL, p.number+1, "next"))
	}
	links = append(links, pageLink(c.URL, last, "last"))
	c.out.Set("Link", strings.Join(links, ", "))
	c.out.Set("X-Total-Count", strconv.FormatInt(total, 10))
}

// pageLink is the link to another page of the list at u. Clients look for the number
// behind the first equals sign, so it is the first parameter.
func pageLink(u *url.URL, number int, rel string) string {
	rest := u.Query()
	rest.Del("page")
	query := "page=" + strconv.Itoa(number)
	if len(rest) > 0 {
		query += "&" + rest.Encode()
	}
	return fmt.Sprintf("<%s?%s>; rel=%q", u.EscapedPath(), query, rel)
}
