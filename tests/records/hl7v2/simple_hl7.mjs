// An MLLP peer of npm (simple-hl7), server and client. Usage:
//   node simple_hl7.mjs FOLDER serve          prints its port, then each message it got as JSON
//   node simple_hl7.mjs FOLDER send PORT      sends one ADT^A04 and prints its acknowledgement
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';

const require = createRequire(path.join(process.argv[2], 'package.json'));
const hl7 = require('simple-hl7');

if (process.argv[3] === 'serve') {
  const free = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = free.address();
    free.close(() => {
      const app = hl7.tcp();
      app.use((request, response) => {
        process.stderr.write(`${JSON.stringify(request.msg.toString())}\n`);
        response.end();
      });
      app.start(port);
      console.log(port);
    });
  });
} else {
  const client = hl7.Server.createTcpClient('127.0.0.1', Number(process.argv[4]));
  const message = new hl7.Message(
    'EPIC', 'EPICADT', 'SMS', '', '20260105', '', ['ADT', 'A04'], '18', 'P', '2.5'
  );
  message.addSegment('PID', '1', '', '17', '', ['Kaya', 'Elif']);
  client.send(message, (problem, answer) => {
    console.log(problem ? `problem ${problem}` : answer.toString());
    process.exit(0);
  });
}
