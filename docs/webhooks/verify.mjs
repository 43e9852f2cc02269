import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_SECONDS = 300;

// secrets: an array with your secret, or the old and the new one while you replace it.
// headers: of the request, with lower-case names. body: a Buffer with the raw bytes, before anything parses them.
export function isGenuine(secrets, headers, body, now = Date.now() / 1000) {
  const timestamp = headers["x-webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(timestamp) || Math.abs(now - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const given = Buffer.from(headers["x-webhook-signature"] ?? "");
  return secrets.some((secret) => {
    const digest = createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex");
    const wanted = Buffer.from(`sha256=${digest}`);
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  });
}
