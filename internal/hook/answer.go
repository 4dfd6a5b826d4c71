package hook

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
)

const maxMessage = 200 // characters

// errAnswer hides what a parser has to say: it would quote the answer in the log.
var errAnswer = errors.New("the answer is not the JSON object that it must be")

// A Refusal is the hook's own no. It is ErrHookRefused with the hook's message as
// its text; a door that can says it with the hook's status.
type Refusal struct {
	Status  int    // 400 to 599
	Message string // one line for a human, at most 200 characters; the operator's words
}

// Error returns the status alone: the message may speak of a person.
func (r *Refusal) Error() string { return fmt.Sprintf("refused with status %d", r.Status) }

// Unwrap returns what a caller may see.
func (r *Refusal) Unwrap() error { return headykey.ErrHookRefused.Saying(r.Message) }

// content returns the JSON object of an answer, or nil if there is to be none. Err is
// how it was got.
func content(answer fetch.Answer, err error) ([]byte, error) {
	switch tooLarge := errors.Is(err, fetch.ErrTooLarge); {
	case err != nil && !tooLarge:
		return nil, err
	case answer.Status == http.StatusNoContent:
		return nil, nil
	case answer.Status != http.StatusOK && answer.Status != http.StatusAccepted:
		return nil, unwanted(answer)
	case !isJSON(answer):
		return nil, headykey.ErrHookContentType
	case tooLarge:
		return nil, fmt.Errorf("%w: %w", headykey.ErrHookTooLarge, err)
	}
	no, err := refusal(answer.Body)
	if err != nil {
		return nil, err
	}
	if no != nil {
		return nil, no
	}
	return answer.Body, nil
}

// unwanted returns the refusal that came with an odd status, or says which it was.
func unwanted(answer fetch.Answer) error {
	if isJSON(answer) {
		if no, err := refusal(answer.Body); err == nil && no != nil {
			return no
		}
	}
	return fmt.Errorf("it answered with status %d", answer.Status)
}

func isJSON(answer fetch.Answer) bool {
	kind, _, err := mime.ParseMediaType(answer.ContentType)
	return err == nil && kind == "application/json"
}

// refusal returns the hook's no, {"error": {"http_code", "message"}}, or nil if body
// is an object without one. Of an error that cannot be read it makes no yes.
func refusal(body []byte) (*Refusal, error) {
	var in struct {
		Error struct {
			Status  int    `json:"http_code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := parse(body, &in); err != nil {
		return nil, err
	}
	status := in.Error.Status
	if in.Error.Message == "" && status < 400 {
		return nil, nil
	}
	if status < 400 || status > 599 {
		status = http.StatusInternalServerError
	}
	return &Refusal{Status: status, Message: shown(in.Error.Message, headykey.ErrHookRefused.Text)}, nil
}

// parse reads one JSON object: names in their exact spelling, none of them twice.
func parse(body []byte, out any) error {
	if jsontext.Value(body).Kind() != '{' || json.Unmarshal(body, out) != nil {
		return errAnswer
	}
	return nil
}

// shown returns the hook's words as they may be shown, or instead if there are none.
func shown(words, instead string) string {
	text := headykey.ShownText(words)
	if text == "" {
		return instead
	}
	if utf8.RuneCountInString(text) > maxMessage {
		return string([]rune(text)[:maxMessage-1]) + "…"
	}
	return text
}
