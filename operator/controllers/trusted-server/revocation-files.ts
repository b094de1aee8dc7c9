// The CRLs of partners in an Edge's own ConfigMap: with the anchors whose CRLs they are, and where there is room for them.
import { partnersFile, revocationListFile } from '../../outputs/trust-bundle.ts';
import type { Federation } from '../federation-state.ts';

type Data = Readonly<Record<string, string>>;

export interface Content {
  readonly data: Data;
  /** A sentence for each output that is not in it. */
  readonly refused: readonly string[];
}

/** By data key, what rendered files name together; nothing while a list is missing. */
export function revocationFiles(federation: Federation | undefined): Data {
  const { bundle, revocationLists } = federation ?? {};
  if (bundle === undefined || revocationLists === undefined) return {};
  return { [partnersFile]: bundle.pem, [revocationListFile]: revocationLists };
}

/** The content with these lists, or without: they are as long as partners make them, and put no output out that is there without them. */
export function contentWithin(contentWith: (lists: Data) => Content, lists: Data): Content {
  const content = contentWith(lists);
  if (content.refused.length === 0 || Object.keys(lists).length === 0) return content;
  const without = contentWith({});
  if (Object.keys(without.data).every((file) => file in content.data)) return content;
  const sentence =
    `${revocationListFile} is left out, and no file names it: there is no room for the CRLs of all partners beside the outputs. ` +
    'Whom they revoke is let in. Ask for fewer outputs, or have fewer partners publish.';
  return { ...without, refused: [...without.refused, sentence] };
}
