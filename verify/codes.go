package verify

import "net/http"

// The codes of an [Error]. They are stable: programs and dashboards may match
// on them.
const (
	// CodeSignatureMissing: the header, or body field, that carries the
	// signature is absent or empty.
	CodeSignatureMissing = "signature_missing"
	// CodeSignatureMalformed: it is there but cannot be a signature: wrong
	// prefix, length, alphabet or encoding, or far too long.
	CodeSignatureMalformed = "signature_malformed"
	// CodeSignatureMismatch: it is well formed and no configured secret made it.
	CodeSignatureMismatch = "signature_mismatch"
	// CodeSignatureRepeated: the header occurs more than once.
	CodeSignatureRepeated = "signature_repeated"
	// CodeSignatureTooMany: one header lists more signatures than are looked at.
	CodeSignatureTooMany = "signature_too_many"
	// CodeSignatureDowngraded: only a signature of a weaker, retired scheme came.
	CodeSignatureDowngraded = "signature_downgraded"
	// CodeSignatureUnsupported: the sender names a version or algorithm that
	// its preset does not accept.
	CodeSignatureUnsupported = "signature_unsupported"

	// CodeTimestampMissing, CodeTimestampMalformed, CodeTimestampRepeated: the
	// timestamp that is signed along is absent, not a time, or there twice.
	CodeTimestampMissing   = "timestamp_missing"
	CodeTimestampMalformed = "timestamp_malformed"
	CodeTimestampRepeated  = "timestamp_repeated"
	// CodeTimestampOutOfTolerance: the signature holds, but it was made too
	// long ago or in the future.
	CodeTimestampOutOfTolerance = "timestamp_out_of_tolerance"

	// CodeIDMissing, CodeIDMalformed: the delivery id that is signed along is
	// absent, or it is there twice or too long.
	CodeIDMissing   = "id_missing"
	CodeIDMalformed = "id_malformed"

	// CodeHeaderMissing, CodeHeaderMalformed: another header that the scheme
	// needs is absent, or there twice or too long.
	CodeHeaderMissing   = "header_missing"
	CodeHeaderMalformed = "header_malformed"

	// CodeTokenMissing, CodeTokenMalformed, CodeTokenMismatch,
	// CodeTokenRepeated: the same for a shared token or a user name and password.
	CodeTokenMissing   = "token_missing"
	CodeTokenMalformed = "token_malformed"
	CodeTokenMismatch  = "token_mismatch"
	CodeTokenRepeated  = "token_repeated"

	// CodeJWTMalformed: not a JSON Web Token, or one too long.
	CodeJWTMalformed = "jwt_malformed"
	// CodeJWTAlgorithm: its alg is not the one that is pinned ("none" never is).
	CodeJWTAlgorithm = "jwt_algorithm"
	// CodeJWTExpired, CodeJWTNotYetValid: now is outside its exp, nbf or iat.
	CodeJWTExpired     = "jwt_expired"
	CodeJWTNotYetValid = "jwt_not_yet_valid"
	// CodeJWTNoExpiry: it has no exp, so that it would be good for ever.
	CodeJWTNoExpiry = "jwt_no_expiry"
	// CodeJWTIssuer: its iss is absent or not the one that is pinned.
	CodeJWTIssuer = "jwt_issuer"
	// CodeJWTClaim: another claim (aud, sub, email) is absent or not ours.
	CodeJWTClaim = "jwt_claim"
	// CodeJWTForeignKey: it brings its own key, or says where one is (jku, jwk,
	// x5u, x5c), or an extension that nobody here understands (crit).
	CodeJWTForeignKey = "jwt_foreign_key"

	// CodeBodyMismatch: the signature holds, but the digest of the body that
	// it vouches for is absent or another.
	CodeBodyMismatch = "body_mismatch"
	// CodeBodyMalformed: the body does not hold what the scheme must find in
	// it: a form field, a signed element, one value per key.
	CodeBodyMalformed = "body_malformed"
	// CodeContentTypeUnsupported: the scheme does not sign bodies of this type.
	CodeContentTypeUnsupported = "content_type_unsupported"

	// CodeKeyUnavailable: the key that the sender names is not known yet. Ours
	// to solve: fetch [Error.Need] and verify again, or answer 503.
	CodeKeyUnavailable = "key_unavailable"
	// CodeKeyUnknown: the keys that the sender publishes have just been read, and
	// the one that is named is not among them.
	CodeKeyUnknown = "key_unknown"
	// CodeKeyUnsuitable: the sender publishes a key of that name, but it is too
	// small or of another kind than the scheme asks for.
	CodeKeyUnsuitable = "key_unsuitable"
	// CodeKeyUntrusted: the place that the certificate should be fetched from is
	// not the sender's.
	CodeKeyUntrusted = "key_untrusted"
	// CodeTopicUnknown: it is signed, but for a topic that is not configured.
	CodeTopicUnknown = "topic_unknown"
	// CodeSecretPending: the hook waits for the handshake that brings its secret.
	CodeSecretPending = "secret_pending"
)

// Status is the HTTP status that says the same: 401 for what is not proven,
// 415 for a body of the wrong type, 400 for a signed body that cannot be read,
// 503 where the fault is ours and the sender should try again.
func (e *Error) Status() int {
	switch e.Code {
	case CodeContentTypeUnsupported:
		return http.StatusUnsupportedMediaType
	case CodeKeyUnavailable:
		return http.StatusServiceUnavailable
	case CodeBodyMalformed:
		return http.StatusBadRequest
	default:
		return http.StatusUnauthorized
	}
}

func refuse(code, message, hint string) *Error {
	return &Error{Code: code, Message: message, Hint: hint}
}

// Hints that several schemes share.
const (
	hintSecret  = "check that the secret in the configuration is the one that the sender shows for this very endpoint, and that nothing between you and the sender rewrites the body"
	hintSetup   = "set a secret for this webhook in the sender's console; unsigned requests are never accepted"
	hintRepeat  = "a proxy or the caller added a second copy; send each header once"
	hintClock   = "check the clock of this machine; a captured request cannot be replayed later"
	hintShape   = "compare the header with the sender's documentation; a proxy may have changed or cut it"
	hintURL     = "the sender signs the URL it calls: public_url must be that URL, letter by letter"
	hintRewrite = "something between you and the sender rewrites the body; pass it through byte for byte"
)
