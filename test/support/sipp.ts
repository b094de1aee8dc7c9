// Calls by sipp (RFC 3261): a caller that sets one up with a session description, follows the route set and hangs up, and
// somebody who answers. Debian's sipp has no TLS: it speaks UDP to the server behind which it is.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './port.ts';
import { type Program, ProgramFailed, runProgram, startProgram } from './process.ts';
import { sessionDescription } from './sip.ts';

/** By the profile of the media lines: with SRTP or without. */
export type MediaTransport = Parameters<typeof sessionDescription>[0];

const lines = (text: string) => text.replaceAll('\r\n', '\n').trimEnd();

const head = (uri: string, method: string, cseq: number, to: string, more = '') => `${method} ${uri} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:caller@[caller]>;tag=[pid]SIPp[call_number]
To: ${to}
Call-ID: [call_id]
CSeq: ${cseq} ${method}
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
${more}`;

/** INVITE, ACK along the route set, BYE. */
const calling = (to: string, media: string) => `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="call">
<send retrans="500"><![CDATA[
${head(to, 'INVITE', 1, `<${to}>`, 'Content-Type: application/sdp\n')}Content-Length: [len]

${media}
]]></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="200" rrs="true"/>
<send><![CDATA[
${head('[next_url]', 'ACK', 1, '<callee>[peer_tag_param]', '[routes]\n').replace('<callee>', `<${to}>`)}Content-Length: 0

]]></send>
<send retrans="500"><![CDATA[
${head('[next_url]', 'BYE', 2, '<callee>[peer_tag_param]', '[routes]\n').replace('<callee>', `<${to}>`)}Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
`;

const answer = (status: string, more: string) => `SIP/2.0 ${status}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]SIPp[call_number]
[last_Call-ID:]
[last_CSeq:]
[last_Record-Route:]
Contact: <sip:callee@[local_ip]:[local_port]>
${more}`;

const answering = (media: string) => `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="answer">
<recv request="INVITE" rrs="true"/>
<send retrans="500"><![CDATA[
${answer('200 OK', 'Content-Type: application/sdp\n')}Content-Length: [len]

${media}
]]></send>
<recv request="ACK"/>
<recv request="BYE"/>
<send><![CDATA[
${answer('200 OK', '')}Content-Length: 0

]]></send>
</scenario>
`;

export interface CallOptions {
  /** UDP port of the server that the caller is behind. */
  readonly by: number;
  readonly to: string;
  /** The caller's domain. */
  readonly from: string;
  readonly media: MediaTransport;
}

/** Makes one call and ends it. Returns whether it was answered, and what sipp says where it was not. */
export async function call({
  by,
  to,
  from,
  media,
}: CallOptions): Promise<{ readonly answered: true } | { readonly failed: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'trustmesh-sipp-'));
  const scenario = join(directory, 'call.xml');
  const log = join(directory, 'errors');
  await writeFile(scenario, calling(to, lines(sessionDescription(media))).replaceAll('[caller]', from));
  const port = await freePort();
  const options = ['-m', '1', '-timeout', '15', '-timeout_error', '-nostdin', '-trace_err', '-error_file', log];
  try {
    await runProgram('sipp', [`127.0.0.1:${by}`, '-sf', scenario, '-i', '127.0.0.1', '-p', String(port), ...options], {
      env: { TERM: 'dumb' },
      limitMs: 30_000,
    });
    return { answered: true };
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    const said = await runProgram('sh', ['-c', `cat ${log} 2>/dev/null || true`]);
    return { failed: said.stdout || error.message };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export interface Callee extends AsyncDisposable {
  readonly port: number;
  readonly program: Program;
}

/** Answers every call on a UDP port of 127.0.0.1. */
export async function startCallee(media: MediaTransport): Promise<Callee> {
  const directory = await mkdtemp(join(tmpdir(), 'trustmesh-sipp-'));
  const scenario = join(directory, 'answer.xml');
  await writeFile(scenario, answering(lines(sessionDescription(media))));
  const port = await freePort();
  const program = await startProgram('sipp', ['-sf', scenario, '-i', '127.0.0.1', '-p', String(port), '-nostdin'], {
    env: { TERM: 'dumb' },
  });
  return {
    port,
    program,
    [Symbol.asyncDispose]: async () => {
      await program.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
