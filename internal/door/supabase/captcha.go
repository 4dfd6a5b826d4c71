package supabase

// security is what a request carries against robots.
type security struct {
	Captcha string `json:"captcha_token"`
}

// human asks who makes c for the solution of a puzzle, where puzzles are demanded.
// Administrators are not asked.
func (d *Door) human(c *call, s security) error {
	if d.Captcha == nil || d.isAdmin(c) {
		return nil
	}
	return d.Captcha.Check(c.Context(), s.Captcha, c.by.From.Address)
}
