package egress

import (
	"errors"
	"net/url"
)

// Outside is what people other than the operator may be told about a failed
// request. It does not tell a blocked address from a closed port, a missing
// name or a silent host, so it cannot be used to look around in a network.
func Outside(err error) string {
	if errors.Is(err, ErrTooLarge) {
		return "the answer was too large"
	}
	return "destination blocked or unreachable"
}

// Detail is the cause of a failed request for the operator's log, without the
// URL that net/http puts in front: paths and queries carry credentials.
func Detail(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if err == nil {
		return ""
	}
	return err.Error()
}
