/** Irregular English verbs, plurals, comparisons and nouns that are plural by nature, as `base:form,form`. */
const IRREGULAR_FORMS = `
  be:am,is,are,was,were,been,being have:has,had,having do:does,did,done,doing go:goes,went,gone get:got,gotten
  make:made know:knew,known think:thought take:took,taken see:saw,seen come:came find:found give:gave,given
  tell:told feel:felt become:became leave:left mean:meant keep:kept begin:began,begun show:shown hear:heard run:ran
  hold:held bring:brought write:wrote,written sit:sat stand:stood lose:lost pay:paid meet:met say:said
  understand:understood speak:spoke,spoken spend:spent grow:grew,grown win:won teach:taught buy:bought send:sent
  build:built fall:fell,fallen draw:drew,drawn break:broke,broken rise:rose,risen drive:drove,driven
  choose:chose,chosen wear:wore,worn eat:ate,eaten fly:flew,flown forget:forgot,forgotten freeze:froze,frozen
  hide:hid,hidden ride:rode,ridden ring:rang,rung sell:sold sing:sang,sung sink:sank,sunk sleep:slept
  steal:stole,stolen swim:swam,swum throw:threw,thrown wake:woke,woken catch:caught fight:fought seek:sought
  lead:led lend:lent bend:bent feed:fed bleed:bled breed:bred flee:fled shoot:shot bite:bit,bitten blow:blew,blown
  tear:tore,torn swear:swore,sworn bear:bore,borne shake:shook,shaken mistake:mistook,mistaken
  undertake:undertook,undertaken overtake:overtook,overtaken withdraw:withdrew,withdrawn overcome:overcame
  forgive:forgave,forgiven forbid:forbade,forbidden bind:bound grind:ground wind:wound hang:hung
  strike:struck,stricken stick:stuck sting:stung swing:swung dig:dug spin:spun cling:clung lay:laid lie:lain
  arise:arose,arisen awake:awoke,awoken beat:beaten creep:crept deal:dealt dream:dreamt burn:burnt learn:learnt
  spell:spelt spill:spilt spoil:spoilt smell:smelt kneel:knelt lean:leant leap:leapt light:lit sew:sewn sow:sown
  saw:sawn shrink:shrank,shrunk drink:drank,drunk stink:stank,stunk slide:slid spit:spat spring:sprang,sprung
  swell:swollen sweep:swept weep:wept weave:wove,woven shine:shone strive:strove,striven tread:trod,trodden
  resend:resent rebuild:rebuilt repay:repaid rewrite:rewrote,rewritten redo:redid,redone undo:undid,undone
  overdo:overdid,overdone foresee:foresaw,foreseen mislead:misled misunderstand:misunderstood
  outgrow:outgrew,outgrown oversleep:overslept withhold:withheld uphold:upheld child:children man:men woman:women
  person:people foot:feet tooth:teeth goose:geese mouse:mice ox:oxen wife:wives knife:knives life:lives leaf:leaves
  shelf:shelves half:halves wolf:wolves thief:thieves loaf:loaves calf:calves self:selves analysis:analyses
  crisis:crises thesis:theses diagnosis:diagnoses hypothesis:hypotheses basis:bases criterion:criteria
  phenomenon:phenomena index:indices matrix:matrices vertex:vertices appendix:appendices good:better,best
  bad:worse,worst
  news:news customs:customs savings:savings earnings:earnings glasses:glasses
  far:farther,furthest
`;

const IRREGULAR: ReadonlyMap<string, string> = new Map(
  IRREGULAR_FORMS.trim()
    .split(/\s+/)
    .flatMap((entry) => {
      const [base = '', forms = ''] = entry.split(':');
      return forms.split(',').map((form): [string, string] => [form, base]);
    }),
);

/** How often a word is used in sense-tagged text, or undefined for a word the dictionary does not have. */
export type SenseCount = (word: string) => number | undefined;

/** How many times as often as the form itself its base must be used for the form to be taken as an inflection. */
const RARER_THAN_BASE = 8;

/**
 * The dictionary form of an English word, or undefined when the dictionary has none.
 *
 * The rules of detachment are those of WordNet's morphy(7WN), with doubled consonants and silent e guessed from spelling.
 * A form that is also a word of its own ("building", "meeting") stays itself unless its base is used far more ("days").
 */
export function lemmaOf(word: string, senseCount: SenseCount): string | undefined {
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined && senseCount(irregular) !== undefined) return irregular;
  const form = word.endsWith("'s") ? word.slice(0, -2) : word;
  const own = senseCount(form);
  const base = basesOf(form).find((candidate) => senseCount(candidate) !== undefined);
  if (base === undefined) return own === undefined ? undefined : form;
  return own !== undefined && own > 0 && own * RARER_THAN_BASE >= (senseCount(base) ?? 0) ? form : base;
}

/** What `form` may be an inflection of, most likely first. */
function basesOf(form: string): string[] {
  if (form.length > 4 && (form.endsWith('ies') || form.endsWith('ied')))
    return [`${form.slice(0, -3)}y`, form.slice(0, -1)];
  if (form.endsWith('men')) return [`${form.slice(0, -3)}man`];
  if (form.length > 3 && form.endsWith('s') && !form.endsWith('ss')) {
    return /(?:[sxzo]|ch|sh)es$/.test(form) ? [form.slice(0, -1), form.slice(0, -2)] : [form.slice(0, -1)];
  }
  const stem = /^(.{2,})(?:ed|ing)$/.exec(form)?.[1];
  return stem === undefined ? [] : verbsOf(stem);
}

function verbsOf(stem: string): string[] {
  if (/(.)\1$/.test(stem)) {
    const single = stem.slice(0, -1);
    return /[ls]$/.test(stem) ? [stem, single] : [single, stem];
  }
  const silentE = /[cvuz]$/.test(stem) || /(?:^|[^aeiou])[aiou][^wxynrl]$/.test(stem);
  return silentE ? [`${stem}e`, stem] : [stem, `${stem}e`];
}
