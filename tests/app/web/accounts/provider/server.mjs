// A real OpenID Connect provider (node oidc-provider, certified) with two people, for the tests.
// Environment: MODULES (folder of node_modules), PORT, REDIRECT, CLIENT_SECRET.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";

const require = createRequire(path.join(process.env.MODULES, "here.js"));
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const people = {
  ada: { name: "Dr Ada Lovelace", groups: ["gyn-doctors", "everybody"] },
  nora: { name: "Nora Norole", groups: ["everybody"] },
};
const issuer = `http://localhost:${process.env.PORT}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: "deeppcos",
    client_secret: process.env.CLIENT_SECRET,
    redirect_uris: [process.env.REDIRECT],
    response_types: ["code"],
    grant_types: ["authorization_code"],
  }],
  pkce: { required: () => true, methods: ["S256"] },
  conformIdTokenClaims: false,
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"], email: ["email"] },
  findAccount: async (_context, id) => people[id] && {
    accountId: id,
    claims: async () => ({ sub: id, preferred_username: id, ...people[id] }),
  },
  cookies: { keys: ["only for tests"] },
});
provider.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready"));
