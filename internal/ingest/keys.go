package ingest

import (
	"encoding/hex"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/verify"
)

// keys are what copies of a delivery are recognised by, strongest first. An
// event is a copy if one of them is known.
//
//	key:  what the configuration says that the event means
//	id:   the sender's delivery id, where it is signed
//	idc:  a delivery id that is not signed, with a digest of the content: who
//	      has seen one delivery could send it under the id of another event,
//	      which must not make that event a copy
//	sum:  the digest of what was signed, which catches a copy under a new id;
//	      not where the sender's bodies repeat (verify.Sender.Thin)
//
// A sender repeats its own id, and the meaning, on purpose: a copy found by them
// revives a dead job. One found by the digest alone does not, unless the sender
// has no ids.
func (v *visit) keys(d verify.Delivery, in *rule.Input) []event.Key {
	ks := make([]event.Key, 0, 3)
	if key, ok := v.meaning(in); ok {
		ks = append(ks, event.Key{Value: "key:" + key, Redelivers: true})
	}
	switch {
	case d.ID == "":
	case d.IDSigned:
		ks = append(ks, event.Key{Value: "id:" + bound(d.ID), Redelivers: true})
	default:
		sum := d.Content(v.body)
		ks = append(ks, event.Key{Value: "idc:" + hex.EncodeToString(sum[:]) + ":" + bound(d.ID), Redelivers: true})
	}
	if len(d.Digest) > 0 && !d.Thin {
		ks = append(ks, event.Key{Value: "sum:" + hex.EncodeToString(d.Digest), Redelivers: d.ID == ""})
	}
	return ks
}

// meaning evaluates the hook's own key. An event for which it fails has none:
// it matched, so it must not get lost.
func (v *visit) meaning(in *rule.Input) (string, bool) {
	if v.hook.Meaning == nil {
		return "", false
	}
	key, err := v.hook.Meaning(in)
	if err != nil {
		v.rc.opts.Log.Warn("event has no meaning key", "hook", v.name, "error", err)
		return "", false
	}
	return key, key != ""
}
