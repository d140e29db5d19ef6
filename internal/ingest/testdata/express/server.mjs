// What many teams start with: check the signature, parse, answer 202, keep the
// event in memory. Nothing is stored. It is here to be measured against.
import { createHmac, timingSafeEqual } from 'node:crypto';
import express from 'express';

const secret = process.argv[2];
const queue = [];
const app = express();
app.post('/hooks/pr', express.raw({ type: 'application/json', limit: '25mb' }), (req, res) => {
  const want = Buffer.from('sha256=' + createHmac('sha256', secret).update(req.body).digest('hex'));
  const got = Buffer.from(String(req.headers['x-hub-signature-256'] ?? ''));
  if (got.length !== want.length || !timingSafeEqual(got, want)) {
    return res.status(401).json({ error: 'signature' });
  }
  const event = JSON.parse(req.body.toString());
  if (event.action !== 'opened') return res.json({ status: 'ignored' });
  queue.push(event.number);
  res.status(202).json({ status: 'accepted' });
});
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
