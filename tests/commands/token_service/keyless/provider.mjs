// An OpenID provider that decides about a registry, as authentik does behind
// distribution-oauth: scopes become the claim `access`, for one team's repositories.
//
//     node provider.mjs MODULE PORT JOBS_PUBLIC_JWK
const [modulePath, port, jobKey] = process.argv.slice(2);
const { default: Provider } = await import(modulePath);
const { generateKeyPairSync } = await import('node:crypto');

const AUDIENCE = 'registry.example.com';
const MINE = /^repository:team\/[a-z/]+:[a-z,]+$/;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signingKey = { ...privateKey.export({ format: 'jwk' }), kid: 'provider', alg: 'ES256', use: 'sig' };

// A client shows one assertion for several tokens, as a password; authentik allows that.
const FORGETFUL = {
  upsert() {}, find() {}, findByUserCode() {}, findByUid() {}, consume() {}, destroy() {}, revokeByGrantId() {},
};

function access(scope) {
  return scope.split(' ').filter((one) => MINE.test(one)).map((one) => {
    const [type, name, actions] = one.split(':');
    return { type, name, actions: actions.split(',') };
  });
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: () => FORGETFUL,
  clients: [{
    client_id: 'registry',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    id_token_signed_response_alg: 'ES256',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [JSON.parse(jobKey)] },
  }],
  clientAuthMethods: ['private_key_jwt'],
  jwks: { keys: [signingKey] },
  extraTokenClaims: (ctx, token) => ({ access: access(token.scope ?? '') }),
  cookies: { keys: ['none is set'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:registry',
      getResourceServerInfo: (ctx) => ({
        scope: ctx.oidc.params.scope ?? '',
        audience: AUDIENCE,
        accessTokenTTL: 240,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
