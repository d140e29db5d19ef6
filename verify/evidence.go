package verify

// Evidence is how something that the table says of a sender is known.
type Evidence string

// From the best to the least. Only what the sender itself has published has a
// day: that of reading it.
const (
	Official    Evidence = "official"    // read in the sender's own documentation, SDK or source
	Captured    Evidence = "captured"    // seen in requests that the sender has really sent
	ThirdParty  Evidence = "third_party" // read in somebody else's verifier or guide
	Described   Evidence = "described"   // nothing to know: the configuration describes it
	Unconfirmed Evidence = "unconfirmed" // written down from general knowledge, and not compared with anything
)

// A Basis is the evidence of one part of a row.
type Basis struct {
	Evidence Evidence
	Read     string // when Official was read: 2006-01-02, or 2006-01
}

// Known is the evidence of a row, part by part: they often come from different
// places, and the proof is the part that a mistake in would be noticed first.
type Known struct {
	Proof   Basis // the scheme, its headers and encodings, where id and type are
	Answers Basis // handshakes, acknowledgements, deadlines and retries
	Console Basis // the steps of its Guide
}

// Words say it to a reader.
func (b Basis) Words() string {
	switch b.Evidence {
	case Official:
		return "the sender's own documentation, SDK or source, read " + b.Read
	case Captured:
		return "requests that it has really sent"
	case ThirdParty:
		return "somebody else's verifier or guide"
	case Described:
		return "none needed: the configuration describes it"
	}
	return "not confirmed"
}

// Uncertain reports that nobody has seen the scheme anywhere: a hook of this
// sender is to be tried with a real request before anything relies on it.
func (s Sender) Uncertain() bool { return s.Known.Proof.Evidence == Unconfirmed }
