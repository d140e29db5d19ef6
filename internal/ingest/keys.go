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
//	      which must not make that event a copy. Not where the body alone is
//	      signed (verify.Delivery.Whole): sum says as much there
//	sum:  the digest of what was signed, which catches a copy under a new id;
//	      not where the sender's bodies repeat (verify.Sender.Thin). Where the
//	      body alone is signed, also what it is under the other secrets
//
// A sender repeats its own id, and the meaning, on purpose: a copy found by them
// revives a dead job. One found by the digest does if it also has the id of the
// event, or if the sender has no ids.
func (v *visit) keys(d verify.Delivery, in *rule.Input) []event.Key {
	ks := make([]event.Key, 0, 3)
	if key, ok := v.meaning(in); ok {
		ks = append(ks, event.Key{Value: "key:" + key, Redelivers: true})
	}
	switch {
	case d.ID == "":
	case d.IDSigned:
		ks = append(ks, event.Key{Value: "id:" + bound(d.ID), Redelivers: true})
	case d.Whole && !d.Thin:
	default:
		sum := d.Content(v.body)
		ks = append(ks, event.Key{Value: "idc:" + hex.EncodeToString(sum[:]) + ":" + bound(d.ID), Redelivers: true})
	}
	if len(d.Digest) > 0 && !d.Thin {
		for _, digest := range append([][]byte{d.Digest}, d.Rotated...) {
			ks = append(ks, event.Key{Value: "sum:" + hex.EncodeToString(digest), Redelivers: d.ID == ""})
		}
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
