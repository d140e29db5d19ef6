// The official SDKs of senders, behind one line of JSON per question:
//
//   {"sdk":"stripe","op":"verify","secret":"...","url":"...","headers":{},"body":"...","now":1760000000}
//   {"sdk":"stripe","op":"sign", ...}
//
// and one line per answer: {"ok":true}, {"headers":{...}} or {"error":"..."}.
// The clock stands at "now" for every question. Nothing here reaches a network.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const RealDate = Date;
let now = 0; // seconds
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(now * 1000);
    else super(...args);
  }
  static now() {
    return now * 1000;
  }
};

const sdks = {};
// throws turns a verifier that throws into one that answers.
const throws = (f) => async (q) => {
  await f(q);
  return true;
};
const header = (q, name) => q.headers[name.toLowerCase()];

{
  const { verify, sign } = await import('@octokit/webhooks-methods');
  sdks.github = {
    verify: (q) => verify(q.secret, q.body, header(q, 'X-Hub-Signature-256')),
    sign: async (q) => ({ 'X-Hub-Signature-256': await sign(q.secret, q.body) }),
  };
}
{
  const { default: Stripe } = await import('stripe');
  const stripe = new Stripe('sk_test_x');
  sdks.stripe = {
    verify: throws((q) => stripe.webhooks.signature.verifyHeader(q.body, header(q, 'Stripe-Signature'), q.secret, 300)),
    sign: (q) => ({
      'Stripe-Signature': stripe.webhooks.generateTestHeaderString({ payload: q.body, secret: q.secret, timestamp: now }),
    }),
  };
}
{
  const twilio = require('twilio');
  const params = (q) => {
    const out = {};
    for (const [name, value] of new URLSearchParams(q.body)) {
      out[name] = name in out ? [].concat(out[name], value) : value;
    }
    return out;
  };
  const isForm = (q) => (header(q, 'Content-Type') ?? '').startsWith('application/x-www-form-urlencoded');
  sdks.twilio = {
    verify: (q) =>
      isForm(q)
        ? twilio.validateRequest(q.secret, header(q, 'X-Twilio-Signature') ?? '', q.url, params(q))
        : twilio.validateRequestWithBody(q.secret, header(q, 'X-Twilio-Signature') ?? '', q.url, q.body),
    sign: (q) => ({ 'X-Twilio-Signature': twilio.getExpectedTwilioSignature(q.secret, q.url, isForm(q) ? params(q) : {}) }),
  };
}
for (const [name, prefix, module] of [
  ['svix', 'svix', 'svix'],
  ['standardwebhooks', 'webhook', 'standardwebhooks'],
]) {
  const { Webhook } = await import(module);
  sdks[name] = {
    verify: throws((q) => new Webhook(q.secret).verify(q.body, q.headers)),
    sign: (q) => ({
      [`${prefix}-id`]: q.id,
      [`${prefix}-timestamp`]: String(now),
      [`${prefix}-signature`]: new Webhook(q.secret).sign(q.id, new Date(), q.body),
    }),
  };
}
{
  const { isValidSlackRequest } = require('@slack/bolt/dist/receivers/verify-request.js');
  sdks.slack = {
    verify: (q) =>
      isValidSlackRequest({
        signingSecret: q.secret,
        body: q.body,
        headers: {
          'x-slack-signature': header(q, 'X-Slack-Signature'),
          'x-slack-request-timestamp': Number.parseInt(header(q, 'X-Slack-Request-Timestamp'), 10),
        },
      }),
  };
}
{
  await import('@shopify/shopify-api/adapters/node');
  const { shopifyApi, ApiVersion } = await import('@shopify/shopify-api');
  const clients = {};
  const client = (secret) =>
    (clients[secret] ??= shopifyApi({
      apiKey: 'key', apiSecretKey: secret, scopes: [], hostName: 'example.com', isEmbeddedApp: false,
      apiVersion: Object.values(ApiVersion).at(-1), logger: { level: 0 },
    }));
  sdks.shopify = {
    verify: async (q) => {
      const rawRequest = { method: 'POST', url: '/hooks', headers: q.headers };
      return (await client(q.secret).webhooks.validate({ rawBody: q.body, rawRequest, rawResponse: {} })).valid;
    },
  };
}
{
  const { WebhooksHelper } = require('square');
  sdks.square = {
    verify: (q) =>
      WebhooksHelper.verifySignature({
        requestBody: q.body, signatureHeader: header(q, 'X-Square-HmacSha256-Signature'), signatureKey: q.secret, notificationUrl: q.url,
      }),
  };
}
{
  const { EventWebhook } = require('@sendgrid/eventwebhook');
  const events = new EventWebhook();
  sdks.sendgrid = {
    verify: (q) =>
      events.verifySignature(
        events.convertPublicKeyToECDSA(q.secret), q.body,
        header(q, 'X-Twilio-Email-Event-Webhook-Signature'), header(q, 'X-Twilio-Email-Event-Webhook-Timestamp'),
      ),
  };
}
{
  const { verifyKey } = require('discord-interactions');
  sdks.discord = {
    verify: (q) => verifyKey(q.body, header(q, 'X-Signature-Ed25519'), header(q, 'X-Signature-Timestamp'), q.secret),
  };
}
{
  const { Paddle } = require('@paddle/paddle-node-sdk');
  const paddle = new Paddle('key');
  sdks.paddle = { verify: (q) => paddle.webhooks.isSignatureValid(q.body, q.secret, header(q, 'Paddle-Signature')) };
}
{
  const { WorkOS } = await import('@workos-inc/node');
  const workos = new WorkOS('sk_test');
  sdks.workos = {
    verify: throws((q) => workos.webhooks.verifyHeader({ payload: q.body, sigHeader: header(q, 'WorkOS-Signature'), secret: q.secret })),
    sign: async (q) => ({
      'WorkOS-Signature': `t=${now * 1000}, v1=${await workos.webhooks.computeSignature(now * 1000, q.body, q.secret)}`,
    }),
  };
}
{
  const { verifyWebhookSignature, signWebhookPayload } = require('@notionhq/client');
  sdks.notion = {
    verify: (q) => verifyWebhookSignature({ body: q.body, signature: header(q, 'X-Notion-Signature'), verificationToken: q.secret }),
    sign: async (q) => ({ 'X-Notion-Signature': await signWebhookPayload({ body: q.body, verificationToken: q.secret }) }),
  };
}
{
  const { isValidSignature, encodeSignatureHeader } = await import('@sanity/webhook');
  sdks.sanity = {
    verify: (q) => isValidSignature(q.body, header(q, 'sanity-webhook-signature'), q.secret),
    sign: async (q) => ({ 'sanity-webhook-signature': await encodeSignatureHeader(q.body, now * 1000, q.secret) }),
  };
}
{
  const { LinearWebhookClient } = await import('@linear/sdk/webhooks');
  sdks.linear = {
    verify: (q) => new LinearWebhookClient(q.secret).verify(Buffer.from(q.body), header(q, 'Linear-Signature')),
  };
}
{
  const Pusher = require('pusher');
  sdks.pusher = {
    verify: (q) => new Pusher({ appId: '1', key: 'key-1', secret: q.secret }).webhook({ headers: q.headers, rawBody: q.body }).isValid(),
  };
}
{
  const { validateWebhookSignature } = require('razorpay/dist/utils/razorpay-utils.js');
  sdks.razorpay = { verify: (q) => validateWebhookSignature(q.body, header(q, 'X-Razorpay-Signature'), q.secret) };
}

const answer = async (q) => {
  if (q.op === 'list') return { sdks: Object.keys(sdks), signs: Object.keys(sdks).filter((name) => sdks[name].sign) };
  now = q.now;
  try {
    if (q.op === 'sign') return { headers: await sdks[q.sdk].sign(q) };
    return { ok: Boolean(await sdks[q.sdk].verify(q)) };
  } catch (e) {
    return q.op === 'sign' ? { error: String(e) } : { ok: false, error: String(e?.message ?? e).slice(0, 200) };
  }
};

for (const name of ['log', 'info', 'warn', 'error', 'debug']) console[name] = () => {}; // answers alone go out
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + '\n');
}
