package headykey_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"headykey.com/headykey"
)

func TestAnErrorIsNeverChangedByWhatIsMadeOfIt(t *testing.T) {
	before := *headykey.ErrInvalid
	first := headykey.ErrInvalid.About("a")
	left, right := first.About("b"), first.About("c")
	said := first.Saying("other words").Later(time.Minute)

	if !reflect.DeepEqual(*headykey.ErrInvalid, before) {
		t.Errorf("the sentinel became %+v", *headykey.ErrInvalid)
	}
	names := func(e *headykey.Error) (out []string) {
		for _, f := range e.Fields {
			out = append(out, f.Name)
		}
		return out
	}
	for _, c := range []struct {
		name string
		got  *headykey.Error
		want []string
	}{
		{"first", first, []string{"a"}}, {"left", left, []string{"a", "b"}},
		{"right", right, []string{"a", "c"}}, {"said", said, []string{"a"}},
	} {
		if !reflect.DeepEqual(names(c.got), c.want) || !errors.Is(c.got, headykey.ErrInvalid) {
			t.Errorf("%s: got %v of %v, want %v", c.name, names(c.got), c.got, c.want)
		}
	}
	if said.Text != "other words" || said.After != time.Minute || first.Text != before.Text || first.After != 0 {
		t.Errorf("got %+v and %+v", said, first)
	}
}

func TestErrorsAreToldApartByCode(t *testing.T) {
	if errors.Is(headykey.ErrInvalidToken, headykey.ErrTokenExpired) || headykey.ErrInvalid.Is(errors.New("invalid_value")) {
		t.Error("two errors of different codes are the same")
	}
	wrapped := fmt.Errorf("save: %w", headykey.ErrNotFound.Saying("No such key."))
	if !errors.Is(wrapped, headykey.ErrNotFound) || headykey.Explain(wrapped).Text != "No such key." {
		t.Errorf("got %v", headykey.Explain(wrapped))
	}
}

func TestWhatIsNotMeantForTheCallerIsInternal(t *testing.T) {
	for _, err := range []error{errors.New("pq: password is hunter2"), fmt.Errorf("x: %w", errors.New("y")), nil} {
		if got := headykey.Explain(err); got != headykey.ErrInternal {
			t.Errorf("%v: got %v, want ErrInternal", err, got)
		}
	}
}
