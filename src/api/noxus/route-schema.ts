import Type from 'typebox';

/** Parts of the schemas of routes: what every route of this API answers besides its own. */

const errors = {
  401: Type.Ref('PlainError'),
  404: Type.Ref('PlainError'),
  422: Type.Ref('HTTPValidationError', { description: 'Validation Error' }),
  429: Type.Ref('PlainError', {
    description: 'The rate limit of the key is used up. Retry-After says when to come again.',
  }),
};

/** The answers of a route that answers 200 with this. */
export const answers = (schema: object) => ({ 200: { description: 'Successful Response', ...schema }, ...errors });

/** A named schema (`schemas.COMPONENTS`). */
export const ref = (name: string) => Type.Ref(name);

/** Path parameters, all texts. */
export const params = <const T extends readonly string[]>(...names: T) =>
  Type.Object(
    Object.fromEntries(names.map((name) => [name, Type.String()])) as Record<T[number], ReturnType<typeof Type.String>>,
  );
