package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

const toleranceSeconds = 300

// IsGenuine says whether a request is from us and fresh.
// secrets: your secret, or the old and the new one while you replace it.
// body: the raw bytes, before anything parses them.
func IsGenuine(secrets []string, headers http.Header, body []byte, now time.Time) bool {
	timestamp := headers.Get("X-Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return false
	}
	age := now.Unix() - seconds
	if age > toleranceSeconds || age < -toleranceSeconds {
		return false
	}
	given := []byte(headers.Get("X-Webhook-Signature"))
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(timestamp + "."))
		mac.Write(body)
		wanted := "sha256=" + hex.EncodeToString(mac.Sum(nil))
		if hmac.Equal([]byte(wanted), given) {
			return true
		}
	}
	return false
}
