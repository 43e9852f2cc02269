<?php

const TOLERANCE_SECONDS = 300;

/**
 * Whether a request is from us and fresh.
 *
 * $secrets: your secret, or the old and the new one while you replace it.
 * $headers: of the request, with lower-case names.
 * $body: the raw text, file_get_contents('php://input'), before anything parses it.
 */
function is_genuine(array $secrets, array $headers, string $body, ?int $now = null): bool
{
    $timestamp = $headers['x-webhook-timestamp'] ?? '';
    if (!ctype_digit($timestamp) || abs(($now ?? time()) - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    $given = $headers['x-webhook-signature'] ?? '';
    foreach ($secrets as $secret) {
        $wanted = 'sha256=' . hash_hmac('sha256', $timestamp . '.' . $body, $secret);
        if (hash_equals($wanted, $given)) {
            return true;
        }
    }
    return false;
}
