// The filter language as a grammar: the tested specification of parse.ts.
//
// The product does not run this file; a hand-written parser does (docs/decisions/filter-parser.md says why).
// grammar.test.ts loads it with antlr-ng and holds both to the same verdict on a corpus of valid and damaged text.
// What a grammar cannot say (which fields exist, how many values an operator takes, the limits) is in check.ts.
grammar Filter;

query : expression? EOF ;                           // an empty text filters nothing

expression : conjunction (OR conjunction)* ;
conjunction : term (AND term)* ;
term : NOT term
     | '(' expression ')'
     | predicate ;

// On `a.eq:1` the first two readings win over the third: `eq` is the operator, not a key of `a`.
predicate : path '.' wordOperator ':' operand       // client_ref.eq:'a'
          | path '.' nullOperator (':' value)?      // started_at.isnull
          | path symbolOperator value ;             // duration_ms>1500

symbolOperator : ':' | '=' | '!=' | '!:' | '<' | '<=' | '>' | '>=' ;
wordOperator : EQ | NE | LT | LTE | GT | GTE | IN | NIN | BETWEEN
             | LIKE | ILIKE | CONTAINS | STARTSWITH | ENDSWITH ;
nullOperator : ISNULL | NOTNULL ;

operand : value | '(' value (',' value)* ')' ;

path : name ('.' segment | '[' INTEGER ']')* ;
segment : name | AND | OR | NOT ;
name : IDENTIFIER | BACKQUOTED | wordOperator | nullOperator ;

value : QUOTED | DATETIME | RELATIVE | INTEGER | NUMBER | WORD | IDENTIFIER | wordOperator | nullOperator ;

AND : A N D ;
OR : O R ;
NOT : N O T ;

EQ : E Q ;
NE : N E ;
LT : L T ;
LTE : L T E | L E ;
GT : G T ;
GTE : G T E | G E ;
IN : I N ;
NIN : N I N ;
BETWEEN : B E T W E E N ;
LIKE : L I K E ;
ILIKE : I L I K E ;
CONTAINS : C O N T A I N S ;
STARTSWITH : S T A R T S W I T H ;
ENDSWITH : E N D S W I T H ;
ISNULL : I S N U L L ;
NOTNULL : N O T N U L L ;

// The longest match wins; among equals the one written first. So `now-7d` is RELATIVE and `now-7days` a WORD.
DATETIME : DATE ([Tt] TIME ZONE?)? ;
RELATIVE : N O W [+\-] DIGIT+ [smhdwSMHDW] ;
INTEGER : DIGIT+ ;
NUMBER : '-'? DIGIT+ ('.' DIGIT+)? ;
IDENTIFIER : (LETTER | '_') (LETTER | ALPHABETIC_DIGIT | '_')* ;
WORD : (LETTER | ALPHABETIC_DIGIT | [_/@\-])+ ;

// A quote is written twice, or after a backslash, which also escapes itself.
QUOTED : '\'' (~['\\\u0000] | '\'\'' | '\\' ~[\u0000])* '\''
       | '"' (~["\\\u0000] | '""' | '\\' ~[\u0000])* '"' ;
BACKQUOTED : '`' (~[`\u0000] | '``')* '`' ;

SPACE : [\p{White_Space}]+ -> skip ;

fragment DATE : DIGIT DIGIT DIGIT DIGIT '-' DIGIT DIGIT '-' DIGIT DIGIT ;
fragment TIME : DIGIT DIGIT ':' DIGIT DIGIT (':' DIGIT DIGIT ('.' DIGIT+)?)? ;
fragment ZONE : [Zz] | [+\-] DIGIT DIGIT ':'? DIGIT DIGIT ;
fragment DIGIT : [0-9] ;
fragment LETTER : [\p{L}\p{M}] ;
fragment ALPHABETIC_DIGIT : [\p{Nd}] ;

fragment A : [aA] ; fragment B : [bB] ; fragment C : [cC] ; fragment D : [dD] ; fragment E : [eE] ;
fragment G : [gG] ; fragment H : [hH] ; fragment I : [iI] ; fragment K : [kK] ; fragment L : [lL] ;
fragment N : [nN] ; fragment O : [oO] ; fragment Q : [qQ] ; fragment R : [rR] ; fragment S : [sS] ;
fragment T : [tT] ; fragment U : [uU] ; fragment W : [wW] ;
