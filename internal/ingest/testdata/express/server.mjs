// What many teams start with: check the signature, parse, answer 202, and keep
// the event in memory. Nothing is stored. It is here to be measured against.
//
//   node server.mjs SECRET             an event is only kept
//   node server.mjs SECRET UPSTREAM    it is worked on at once in this process: its
//                                      diff is fetched, Claude asked, a comment made
import { createHmac, timingSafeEqual } from 'node:crypto';
import express from 'express';

const [secret, upstream] = process.argv.slice(2);
const queue = [];

const call = (method, path, body) =>
  fetch(upstream + path, { method, headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body) });

async function work({ pull_request: pr }) {
  const diff = await (await call('GET', new URL(pr.diff_url).pathname)).text();
  const prompt = `${pr.title}\n\n${pr.body}\n\n${diff.slice(0, 8000)}`;
  const answer = await (await call('POST', '/v1/messages', { max_tokens: 512, messages: [{ role: 'user', content: prompt }] })).json();
  await (await call('POST', new URL(pr.comments_url).pathname, { body: answer.content[0].text })).arrayBuffer();
}

const app = express();
app.post('/hooks/pr', express.raw({ type: 'application/json', limit: '25mb' }), (req, res) => {
  const want = Buffer.from('sha256=' + createHmac('sha256', secret).update(req.body).digest('hex'));
  const got = Buffer.from(String(req.headers['x-hub-signature-256'] ?? ''));
  if (got.length !== want.length || !timingSafeEqual(got, want)) {
    return res.status(401).json({ error: 'signature' });
  }
  const event = JSON.parse(req.body.toString());
  if (event.action !== 'opened') return res.json({ status: 'ignored' });
  res.status(202).json({ status: 'accepted' });
  if (upstream) {
    work(event).catch((err) => console.log(err));
  } else {
    queue.push(event.number);
  }
});
const server = app.listen(0, '127.0.0.1', () => console.error(`http://127.0.0.1:${server.address().port}/hooks/pr`));
process.stdin.on('end', () => process.exit(0)).resume();
