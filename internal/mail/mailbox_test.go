package mail_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/mail"
)

func TestMailboxKeepsTheNewest(t *testing.T) {
	box := mail.NewMailbox("no-reply@id.example")
	for i := range 240 {
		m := letter
		m.Subject = fmt.Sprintf("Mail %d", i)
		if err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	list := box.List("")
	if len(list) != 233 || list[0].Subject != "Mail 239" || list[232].Subject != "Mail 7" {
		t.Errorf("%d mails from %q to %q", len(list), list[0].Subject, list[len(list)-1].Subject)
	}
	if got, ok := box.Get(list[5].ID); !ok || got != list[5] {
		t.Errorf("got %+v, %t, want %+v", got, ok, list[5])
	}
	if got, ok := box.Get(headykey.NewID()); ok {
		t.Errorf("an unknown id got %+v", got)
	}
	box.Clear()
	if list := box.List(""); len(list) != 0 {
		t.Errorf("%d mails after Clear", len(list))
	}
}

func TestMailboxListsAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := mail.NewMailbox("HeadyKey <no-reply@id.example>")
		for _, to := range []string{"ada@example.org", "bob@example.org", "Ada@example.org"} {
			m := mail.Message{To: to, Subject: "Hello", Text: "Text\n", HTML: "<p>Text</p>"}
			if err := box.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		got, err := json.MarshalIndent(box.List("ada@EXAMPLE.org"), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		want := `[
 {
  "from": "HeadyKey \u003cno-reply@id.example\u003e",
  "to": "Ada@example.org",
  "subject": "Hello",
  "text": "Text\n",
  "html": "\u003cp\u003eText\u003c/p\u003e",
  "at": "2000-01-01T00:00:02Z"
 },
 {
  "from": "HeadyKey \u003cno-reply@id.example\u003e",
  "to": "ada@example.org",
  "subject": "Hello",
  "text": "Text\n",
  "html": "\u003cp\u003eText\u003c/p\u003e",
  "at": "2000-01-01T00:00:00Z"
 }
]`
		if string(got) != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if none, err := json.Marshal(box.List("eve@example.org")); err != nil || string(none) != "[]" {
			t.Errorf("no mails: got %s, %v, want []", none, err)
		}
	})
}

func TestMailboxAtOnce(t *testing.T) {
	box := mail.NewMailbox("no-reply@id.example")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := box.Send(t.Context(), letter); err != nil {
					t.Error(err)
				}
				box.Get(box.List(letter.To)[0].ID)
			}
		})
	}
	wg.Wait()
	if n := len(box.List("")); n != 233 {
		t.Errorf("%d mails, want 233", n)
	}
}

func TestMailboxHeedsItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	box := mail.NewMailbox("no-reply@id.example")
	if err := box.Send(ctx, letter); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestMessageSurvivesStorage(t *testing.T) {
	kept, err := json.Marshal(letter)
	if err != nil {
		t.Fatal(err)
	}
	var got mail.Message
	if err := json.Unmarshal(kept, &got); err != nil || !reflect.DeepEqual(got, letter) {
		t.Errorf("got %+v, %v", got, err)
	}
}
