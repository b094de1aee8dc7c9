// How the tables of schema cases are written: what is tried, and every sentence that a user then reads.

export type Spec = Readonly<Record<string, unknown>>;

/** A new object, and the refusals it meets: none where it is accepted. */
export interface Case {
  readonly title: string;
  readonly spec: Spec;
  /** Of the object. */
  readonly name: string;
  /** Each `<field>: <sentence>`, in the order of the API server. */
  readonly refusals: readonly string[];
}

/** The change of an object that exists. */
export interface Change {
  readonly title: string;
  readonly before: Spec;
  readonly after: Spec;
  readonly refusals: readonly string[];
}

export interface Table {
  readonly kind: string;
  readonly cases: readonly Case[];
  readonly changes: readonly Change[];
}

export const accepts = (title: string, spec: Spec, name = 'sample'): Case => ({ title, spec, name, refusals: [] });

export const refuses = (title: string, spec: Spec, ...refusals: readonly string[]): Case => ({
  title,
  spec,
  name: 'sample',
  refusals,
});

export const refusesName = (name: string, spec: Spec, sentence: string): Case => ({
  title: `the name ${name}`,
  spec,
  name,
  refusals: [`metadata.name: Invalid value: ${sentence}`],
});

export const accept = (title: string, before: Spec, after: Spec): Change => ({ title, before, after, refusals: [] });

export const refuse = (title: string, before: Spec, after: Spec, ...refusals: readonly string[]): Change => ({
  title,
  before,
  after,
  refusals,
});

/** What the API server adds where a value has so wrong a shape that it checks no rules. */
export const unchecked =
  '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

/** `spec` puts this at `media`. */
export function encryptionLevels(spec: (media: Spec) => Spec): readonly Case[] {
  return [
    ...['Required', 'Supported', 'NotSupported'].map((encryptionLevel) =>
      accepts(`media ${encryptionLevel}`, spec({ encryptionLevel })),
    ),
    refuses(
      'media of a level that there is not',
      spec({ encryptionLevel: 'Optional' }),
      'spec.media.encryptionLevel: Unsupported value: "Optional": supported values: "Required", "Supported", "NotSupported"',
      unchecked,
    ),
    refuses('media without a level', spec({}), 'spec.media.encryptionLevel: Required value', unchecked),
  ];
}

const label = 'a'.repeat(63);

/** A DNS name of that many characters, each label as long as may be. */
export const nameOfLength = (length: number) => `${label}.${label}.${label}.`.padEnd(length, 'b');

/** Every way in which a value is no DNS name, and what a user reads at `field`. `spec` puts the value there. */
export function dnsNameRefusals(field: string, spec: (name: string) => Spec): readonly Case[] {
  const refusal = (title: string, name: string, sentence: string) =>
    refuses(`${field}: ${title}`, spec(name), `${field}: Invalid value: "${name}": '${name}' ${sentence}.`);
  const form = 'is not a DNS name: write labels of a-z, 0-9 and hyphens, joined by dots, such as pool01.contoso.com';
  const long = 'has a label of more than 63 characters: shorten what lies between two dots';
  return [
    accepts(`${field}: a label of 63 characters`, spec(`${label}.contoso.com`)),
    refusal('a label of 64 characters', `${label}a.contoso.com`, long),
    refusal('capital letters', 'Pool01.Contoso.com', 'has capital letters: write it in lower case'),
    refusal('a wildcard', '*.contoso.com', 'has a wildcard: write one name, such as pool01.contoso.com'),
    refusal('a single label', 'pool01', form),
    refusal('an empty name', '', form),
    refusal('a final dot', 'pool01.contoso.com.', form),
    refusal('an empty label', 'pool01..contoso.com', form),
    refusal('a label that ends in a hyphen', 'pool01-.contoso.com', form),
    refusal('a label that begins with a hyphen', '-pool01.contoso.com', form),
    refusal('an underscore', 'pool_01.contoso.com', form),
    refusal('letters beyond ASCII', 'zürich.contoso.com', form),
    refusal('white space', 'pool01 contoso.com', form),
    refuses(
      `${field}: a line break at the end, which no sentence may hold`,
      spec('pool01.contoso.com\n'),
      `${field}: Invalid value: "pool01.contoso.com\\n": A DNS name is lower case, has at least two labels of at most 63 characters, and no wildcard.`,
    ),
    refuses(
      `${field}: more than 253 characters`,
      spec(nameOfLength(254)),
      `${field}: Too long: may not be more than 253 bytes`,
      unchecked,
    ),
  ];
}
