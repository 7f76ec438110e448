// An identity provider for the tests: npm's oidc-provider (certified for OpenID Connect) with its own people, clients and
// login page. Listens on PORT. REDIRECTS has the addresses to which its clients return after the login, and AFTER_LOGOUT
// those after the logout. Ends when its standard input ends.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const { MUSTER_OIDC_PROVIDER, PORT, REDIRECTS, AFTER_LOGOUT, EVERYTHING_IN_THE_TOKEN } = process.env;
const { default: Provider } = await import(pathToFileURL(`${MUSTER_OIDC_PROVIDER}/lib/index.js`));
const issuer = `http://127.0.0.1:${PORT}`;

const people = {
  alice: { preferred_username: 'alice', name: 'Alice Ångström', email: 'alice@example.test', email_verified: true,
    groups: ['staff', 'physics'], managed_apple_id: 'alice@appleid.example.test', department: 'Physics' },
  bob: { preferred_username: 'bob', name: 'Bob', email: 'bob@example.test', email_verified: false, groups: [] },
  // A different person with Alice's mail address and user name.
  mallory: { preferred_username: 'alice', name: 'Alice', email: 'alice@example.test', email_verified: true, groups: [] },
};

const key = (type, options, more) =>
  ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...more });
const client = (client_id, id_token_signed_response_alg) => ({
  client_id, client_secret: 's3cret: known to two', id_token_signed_response_alg, response_types: ['code'],
  grant_types: ['authorization_code'], redirect_uris: JSON.parse(REDIRECTS),
  post_logout_redirect_uris: JSON.parse(AFTER_LOGOUT),
});

const provider = new Provider(issuer, {
  clients: [client('muster', 'RS256'), client('muster-es', 'ES256'), client('muster-ps', 'PS256')],
  jwks: { keys: [
    key('rsa', { modulusLength: 2048 }, { kid: `rsa-${randomBytes(4).toString('hex')}` }),
    key('ec', { namedCurve: 'P-256' }, { alg: 'ES256', kid: `ec-${randomBytes(4).toString('hex')}` }),
  ] },
  cookies: { keys: [randomBytes(24).toString('hex')] },
  pkce: { required: () => true },
  scopes: ['openid', 'profile', 'email', 'school'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'],
    school: ['groups', 'managed_apple_id', 'department'] },
  // By default, only the userinfo endpoint returns the claims of the scopes.
  conformIdTokenClaims: !EVERYTHING_IN_THE_TOKEN,
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'PS256'] },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true, logoutSource, postLogoutSuccessSource } },
  interactions: { url: (_, interaction) => `/log-in/${interaction.uid}` },
  findAccount: (_, id) => {
    const person = people[id.replace('-7f3a', '')];
    return person && { accountId: id, claims: async () => ({ sub: id, ...person }) };
  },
  // Grants consent automatically at the login.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope('openid profile email school');
    await grant.save();
    return grant;
  },
  ttl: { IdToken: 300, AccessToken: 300, AuthorizationCode: 60, Session: 3600, Interaction: 600, Grant: 3600 },
});

const page = (body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Example ID</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head><body><main><h1>Example ID</h1>${body}</main></body></html>`;

async function logoutSource(ctx, form) {
  ctx.body = page(`${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Yes, log out</button>`);
}

async function postLogoutSuccessSource(ctx) {
  ctx.body = page('<p>Logged out.</p>');
}

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/log-in/')) return next();
  if (ctx.method === 'GET') {
    ctx.body = page(`<form method="post"><label for="login">Name</label> <input id="login" name="login">
      <button type="submit">Log in</button> <button type="submit" name="cancel" value="yes">Cancel</button></form>`);
    return undefined;
  }
  const sent = new URLSearchParams((await ctx.req.toArray()).map(String).join(''));
  const result = sent.has('cancel')
    ? { error: 'access_denied', error_description: 'cancelled' }
    : { login: { accountId: `${sent.get('login')}-7f3a` } };
  return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false })
    .then(() => { ctx.respond = false; });
});

provider.listen(Number(PORT), '127.0.0.1', () => console.log(`up ${issuer}`));
process.stdin.resume().on('end', () => process.exit(0));
