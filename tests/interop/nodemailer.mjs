// Sends one message with nodemailer, as the JSON on standard input says:
// {host, port, user, password, envelope: {from, to}, raw} or {…, message: {from, to, cc, bcc, subject, text, attachments}}
import { readFileSync } from "node:fs";
import nodemailer from "nodemailer";

const job = JSON.parse(readFileSync(0, "utf8"));
const transport = nodemailer.createTransport({
  host: job.host,
  port: job.port,
  ignoreTLS: true,
  auth: { user: job.user, pass: job.password },
});
const message = job.raw
  ? { envelope: job.envelope, raw: Buffer.from(job.raw, "base64") }
  : {
      ...job.message,
      attachments: job.message.attachments.map((file) => ({ ...file, content: Buffer.from(file.content, "base64") })),
    };
const info = await transport.sendMail(message);
console.log(JSON.stringify({ messageId: info.messageId, accepted: info.accepted, rejected: info.rejected }));
transport.close();
