import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { demand } from '../../operations/access.ts';
import { answers } from './schemas.ts';

/**
 * What clients read that look at their balance before they ask for something. Nothing is sold here: the same amount stands there for ever, more
 * than any client asks for.
 */
const BALANCE_CENTS = 100_000_000;
const BALANCE_USD = (BALANCE_CENTS / 100).toFixed(2);

/** The key, the balance that clients ask for, and the description of this API for those who have a key only. */
export function accountRoutes(api: FastifyInstance): void {
  const tags = ['Account'];

  api.get(
    '/v1/auth/me',
    { schema: { tags, summary: 'Describe the key', operationId: 'get_me', response: answers(Type.Unknown()) } },
    async ({ caller }) => ({
      id: caller.keyId,
      name: caller.keyName,
      key_prefix: caller.keyPrefix,
      org_id: caller.workspaceId,
      organization: { id: caller.workspaceId },
      scopes: [...caller.scopes],
    }),
  );

  api.get(
    '/v1/credit-balances',
    {
      schema: {
        tags,
        summary: 'Get the balance',
        operationId: 'get_credit_balances',
        response: answers(Type.Unknown()),
      },
    },
    async ({ caller }) => {
      demand(caller, 'credit_balance:read');
      return { balance: BALANCE_USD, balance_usd: BALANCE_USD, currency: 'USD' };
    },
  );

  api.get(
    '/v1/billing/balance',
    {
      schema: {
        tags,
        summary: 'Get the balance in cents',
        operationId: 'get_billing_balance',
        response: answers(Type.Unknown()),
      },
    },
    async ({ caller }) => {
      demand(caller, 'credit_balance:read');
      return { balance_cents: BALANCE_CENTS, currency: 'USD' };
    },
  );

  api.get(
    '/v1/openapi.json',
    {
      schema: { tags, summary: 'Get this description', operationId: 'get_openapi', response: answers(Type.Unknown()) },
    },
    async () => api.swagger(),
  );
}
