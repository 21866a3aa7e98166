/* openapi_schemas.c - the shapes of the API's documents, as JSON Schema 2020-12. */
#include "base/slice.h"
#include "gateway/openapi.h"

#define TEXT "{\"type\":\"string\"}"
#define NUMBER "{\"type\":\"integer\",\"minimum\":0}"
#define POSITION                                                                                   \
    "{\"type\":\"integer\",\"minimum\":0,\"description\":\"A place in the whole log, from 1.\"}"
#define REVISION                                                                                   \
    "{\"type\":\"integer\",\"minimum\":0,\"description\":\"A place in the stream, from 0.\"}"
#define REVISION_OR_NULL "{\"type\":[\"integer\",\"null\"],\"minimum\":0}"
#define UUID "{\"type\":\"string\",\"format\":\"uuid\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define OBJECT "{\"type\":\"object\"}"
#define TEXTS "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define LIST(item) "{\"type\":\"array\",\"items\":" item "}"
#define BASE64 "{\"type\":\"string\",\"contentEncoding\":\"base64\"}"

static const char schemas[] =
    "{"
    "\"Event\":{\"type\":\"object\",\"required\":[\"position\",\"stream\",\"revision\",\"type\","
    "\"id\",\"time\"],\"properties\":{\"position\":" POSITION ",\"stream\":" TEXT
    ",\"revision\":" REVISION ",\"type\":" TEXT ",\"id\":" UUID ",\"time\":" TIME
    ",\"data\":{\"description\":\"As it was sent.\"},\"dataBase64\":" BASE64 ",\"metadata\":" OBJECT
    ",\"tags\":" TEXTS "}},"

    "\"NewEvent\":{\"type\":\"object\",\"required\":[\"type\"],\"properties\":{\"type\":" TEXT
    ",\"data\":{\"description\":\"Any JSON; kept byte for byte.\"},\"dataBase64\":" BASE64
    ",\"id\":" UUID ",\"metadata\":" OBJECT ",\"tags\":" TEXTS
    "},\"oneOf\":[{\"required\":[\"data\"]},{\"required\":[\"dataBase64\"]}],"
    "\"additionalProperties\":false},"

    "\"NewEvents\":{\"oneOf\":[" REF("NewEvent") "," LIST(REF(
        "NewEvent")) "]},"

                     "\"Writes\":{\"type\":\"object\",\"required\":[\"writes\"],\"properties\":{"
                     "\"writes\":"
                     "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"stream\","
                     "\"events\"],"
                     "\"properties\":{\"stream\":" TEXT
                     ",\"expect\":{\"oneOf\":[{\"enum\":[\"any\",\"no-stream\","
                     "\"exists\"]}," REVISION "]},\"events\":" REF(
                         "NewEvents") "},"
                                      "\"additionalProperties\":false}}},\"additionalProperties\":"
                                      "false},"

                                      "\"Appended\":{\"type\":\"object\",\"required\":[\"stream\","
                                      "\"revision\",\"firstPosition\","
                                      "\"position\"],\"properties\":{\"stream\":" TEXT
                                      ",\"revision\":" REVISION ",\"firstPosition\":" POSITION
                                      ",\"position\":" POSITION
                                      ",\"repeated\":{\"type\":\"boolean\"}}},"

                                      "\"AppendedToStreams\":{\"type\":\"object\",\"required\":["
                                      "\"firstPosition\",\"position\","
                                      "\"streams\"],\"properties\":{\"firstPosition\":" POSITION
                                      ",\"position\":" POSITION
                                      ",\"streams\":{\"type\":\"array\",\"items\":{\"type\":"
                                      "\"object\",\"properties\":{\"stream\":" TEXT
                                      ",\"revision\":" REVISION
                                      "}}},\"repeated\":{\"type\":\"boolean\"}}},"

                                      "\"StreamPage\":{\"type\":\"object\",\"required\":["
                                      "\"stream\",\"events\"],\"properties\":{"
                                      "\"stream\":" TEXT ",\"events\":" LIST(REF(
                                          "Event")) ",\"next\":" TEXT "}},"

                                                    "\"LogPage\":{\"type\":\"object\",\"required\":"
                                                    "[\"events\",\"position\"],\"properties\":{"
                                                    "\"events\":" LIST(REF(
                                                        "Event")) ",\"position\":" POSITION
                                                                  ",\"next\":" TEXT "}},"

                                                                  "\"Deciders\":{\"type\":"
                                                                  "\"array\",\"items\":{\"type\":"
                                                                  "\"object\",\"properties\":{"
                                                                  "\"name\":" TEXT
                                                                  ",\"version\":" TEXT
                                                                  ",\"commands\":" TEXTS
                                                                  ",\"eventTypes\":" TEXTS "}}},"

                                                                  "\"State\":{\"type\":\"object\","
                                                                  "\"required\":[\"decider\","
                                                                  "\"id\",\"stream\",\"revision\","
                                                                  "\"position\",\"state\"],"
                                                                  "\"properties\":{"
                                                                  "\"decider\":" TEXT
                                                                  ",\"id\":" TEXT
                                                                  ",\"stream\":" TEXT
                                                                  ",\"revision\":" REVISION_OR_NULL
                                                                  ",\"position\":" POSITION
                                                                  ",\"state\":{}}},"

                                                                  "\"CommandData\":" OBJECT ","

                                                                  "\"CommandEvents\":{\"type\":"
                                                                  "\"array\",\"items\":{\"type\":"
                                                                  "\"object\",\"properties\":{"
                                                                  "\"position\":" POSITION
                                                                  ",\"type\":" TEXT "}}},"

                                                                  "\"CommandDone\":{\"type\":"
                                                                  "\"object\",\"required\":["
                                                                  "\"command\",\"status\","
                                                                  "\"stream\","
                                                                  "\"revision\",\"events\","
                                                                  "\"position\"],\"properties\":{"
                                                                  "\"command\":" UUID
                                                                  ",\"status\":{\"const\":\"done\"}"
                                                                  ",\"stream\":" TEXT
                                                                  ",\"revision\":" REVISION_OR_NULL
                                                                  ",\"events\":" REF(
                                                                      "CommandEvents") ",\"position"
                                                                                       "\""
                                                                                       ":" POSITION
                                                                                       ",\"viewsBeh"
                                                                                       "ind\":{"
                                                                                       "\"type\":"
                                                                                       "\"array\","
                                                                                       "\"items\""
                                                                                       ":" TEXT
                                                                                       ",\"descript"
                                                                                       "ion\":"
                                                                                       "\"Views "
                                                                                       "that "
                                                                                       "Prefer: "
                                                                                       "wait "
                                                                                       "waited for "
                                                                                       "in "
                                                                                       "vain.\"}}},"

                                                                                       "\"Command\""
                                                                                       ":{\"type\":"
                                                                                       "\"object\","
                                                                                       "\"required"
                                                                                       "\":["
                                                                                       "\"command\""
                                                                                       ",\"status\""
                                                                                       ",\"decider"
                                                                                       "\",\"id\","
                                                                                       "\"name\","
                                                                                       "\"stream\"]"
                                                                                       ",\"properti"
                                                                                       "es\":{"
                                                                                       "\"command\""
                                                                                       ":" UUID
                                                                                       ",\"status\""
                                                                                       ":{\"enum\":"
                                                                                       "[\"running"
                                                                                       "\","
                                                                                       "\"done\","
                                                                                       "\"rejected"
                                                                                       "\"]},"
                                                                                       "\"decider\""
                                                                                       ":" TEXT
                                                                                       ",\"id\""
                                                                                       ":" TEXT
                                                                                       ",\"name\""
                                                                                       ":" TEXT
                                                                                       ",\"data\":{"
                                                                                       "}"
                                                                                       ",\"stream\""
                                                                                       ":" TEXT
                                                                                       ",\"revision"
                                                                                       "\""
                                                                                       ":" REVISION_OR_NULL
                                                                                       ",\"events\""
                                                                                       ":" REF(
                                                                                           "Com"
                                                                                           "man"
                                                                                           "dEv"
                                                                                           "ent"
                                                                                           "s") ","
                                                                                                "\""
                                                                                                "po"
                                                                                                "si"
                                                                                                "ti"
                                                                                                "on"
                                                                                                "\""
                                                                                                ":" POSITION
                                                                                                ","
                                                                                                "\""
                                                                                                "ti"
                                                                                                "me"
                                                                                                "\""
                                                                                                ":" TIME
                                                                                                ","
                                                                                                "\""
                                                                                                "pr"
                                                                                                "ob"
                                                                                                "le"
                                                                                                "m"
                                                                                                "\""
                                                                                                ":" REF(
                                                                                                    "Proble"
                                                                                                    "m") "}}"
                                                                                                         ","

                                                                                                         "\""
                                                                                                         "Vi"
                                                                                                         "ew"
                                                                                                         "\""
                                                                                                         ":{"
                                                                                                         "\""
                                                                                                         "ty"
                                                                                                         "pe"
                                                                                                         "\""
                                                                                                         ":"
                                                                                                         "\""
                                                                                                         "ob"
                                                                                                         "je"
                                                                                                         "ct"
                                                                                                         "\""
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "re"
                                                                                                         "qu"
                                                                                                         "ir"
                                                                                                         "ed"
                                                                                                         "\""
                                                                                                         ":["
                                                                                                         "\""
                                                                                                         "na"
                                                                                                         "me"
                                                                                                         "\""
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "st"
                                                                                                         "at"
                                                                                                         "e"
                                                                                                         "\""
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "ve"
                                                                                                         "rs"
                                                                                                         "io"
                                                                                                         "n"
                                                                                                         "\""
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "po"
                                                                                                         "si"
                                                                                                         "ti"
                                                                                                         "on"
                                                                                                         "\""
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "la"
                                                                                                         "g"
                                                                                                         "\""
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "qu"
                                                                                                         "er"
                                                                                                         "ie"
                                                                                                         "s"
                                                                                                         "\""
                                                                                                         "],"
                                                                                                         "\""
                                                                                                         "pr"
                                                                                                         "op"
                                                                                                         "er"
                                                                                                         "ti"
                                                                                                         "es"
                                                                                                         "\""
                                                                                                         ":{"
                                                                                                         "\""
                                                                                                         "na"
                                                                                                         "me"
                                                                                                         "\""
                                                                                                         ":" TEXT
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "st"
                                                                                                         "at"
                                                                                                         "e"
                                                                                                         "\""
                                                                                                         ":{"
                                                                                                         "\""
                                                                                                         "en"
                                                                                                         "um"
                                                                                                         "\""
                                                                                                         ":["
                                                                                                         "\""
                                                                                                         "ca"
                                                                                                         "tc"
                                                                                                         "hi"
                                                                                                         "ng"
                                                                                                         "-u"
                                                                                                         "p"
                                                                                                         "\""
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "li"
                                                                                                         "ve"
                                                                                                         "\""
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "st"
                                                                                                         "op"
                                                                                                         "pe"
                                                                                                         "d"
                                                                                                         "\""
                                                                                                         "]}"
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "ve"
                                                                                                         "rs"
                                                                                                         "io"
                                                                                                         "n"
                                                                                                         "\""
                                                                                                         ":" TEXT
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "po"
                                                                                                         "si"
                                                                                                         "ti"
                                                                                                         "on"
                                                                                                         "\""
                                                                                                         ":" POSITION
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "la"
                                                                                                         "g"
                                                                                                         "\""
                                                                                                         ":" NUMBER
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "qu"
                                                                                                         "er"
                                                                                                         "ie"
                                                                                                         "s"
                                                                                                         "\""
                                                                                                         ":{"
                                                                                                         "\""
                                                                                                         "ty"
                                                                                                         "pe"
                                                                                                         "\""
                                                                                                         ":"
                                                                                                         "\""
                                                                                                         "ar"
                                                                                                         "ra"
                                                                                                         "y"
                                                                                                         "\""
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "it"
                                                                                                         "em"
                                                                                                         "s"
                                                                                                         "\""
                                                                                                         ":{"
                                                                                                         "\""
                                                                                                         "ty"
                                                                                                         "pe"
                                                                                                         "\""
                                                                                                         ":"
                                                                                                         "\""
                                                                                                         "ob"
                                                                                                         "je"
                                                                                                         "ct"
                                                                                                         "\""
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "pr"
                                                                                                         "op"
                                                                                                         "er"
                                                                                                         "ti"
                                                                                                         "es"
                                                                                                         "\""
                                                                                                         ":{"
                                                                                                         "\""
                                                                                                         "na"
                                                                                                         "me"
                                                                                                         "\""
                                                                                                         ":" TEXT
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "ar"
                                                                                                         "gu"
                                                                                                         "me"
                                                                                                         "nt"
                                                                                                         "s"
                                                                                                         "\""
                                                                                                         ":" TEXTS
                                                                                                         "}}"
                                                                                                         "},"
                                                                                                         "\""
                                                                                                         "se"
                                                                                                         "rv"
                                                                                                         "in"
                                                                                                         "g"
                                                                                                         "\""
                                                                                                         ":" TEXT
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "bu"
                                                                                                         "il"
                                                                                                         "dP"
                                                                                                         "os"
                                                                                                         "it"
                                                                                                         "io"
                                                                                                         "n"
                                                                                                         "\""
                                                                                                         ":" POSITION
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "sk"
                                                                                                         "ip"
                                                                                                         "pe"
                                                                                                         "d"
                                                                                                         "\""
                                                                                                         ":" NUMBER
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "fa"
                                                                                                         "il"
                                                                                                         "ed"
                                                                                                         "Po"
                                                                                                         "si"
                                                                                                         "ti"
                                                                                                         "on"
                                                                                                         "\""
                                                                                                         ":" POSITION
                                                                                                         ","
                                                                                                         "\""
                                                                                                         "fa"
                                                                                                         "il"
                                                                                                         "ur"
                                                                                                         "e"
                                                                                                         "\""
                                                                                                         ":" TEXT
                                                                                                         "}}"
                                                                                                         ","

                                                                                                         "\""
                                                                                                         "Vi"
                                                                                                         "ew"
                                                                                                         "s"
                                                                                                         "\""
                                                                                                         ":" LIST(REF(
                                                                                                             "View")) ","

                                                                                                                      "\"Rows\":{\"type\":\"object\",\"required\":[\"view\",\"query\",\"position\",\"rows\"],"
                                                                                                                      "\"properties\":{\"view\":" TEXT
                                                                                                                      ",\"query\":" TEXT
                                                                                                                      ",\"position\":" POSITION
                                                                                                                      ",\"rows\":{\"type\":\"array\",\"items\":" OBJECT
                                                                                                                      "}}},"

                                                                                                                      "\"Row\":" OBJECT
                                                                                                                      ","

                                                                                                                      "\"Health\":{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{\"status\":{\"enum\":"
                                                                                                                      "[\"ok\",\"degraded\",\"failing\"]},\"position\":" POSITION
                                                                                                                      ",\"writing\":{\"type\":\"boolean\"},\"writeError\":" TEXT
                                                                                                                      ",\"views\":" OBJECT
                                                                                                                      "}},"

                                                                                                                      "\"Problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\"],\"properties\":{"
                                                                                                                      "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},\"title\":" TEXT ",\"status\":{\"type\":\"integer\"},\"detail\":" TEXT ",\"instance\":" TEXT
                                                                                                                      ",\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"line\":" NUMBER
                                                                                                                      ",\"pointer\":" TEXT
                                                                                                                      ",\"detail\":" TEXT
                                                                                                                      "}}}}},"

                                                                                                                      "\"ProblemExplained\":{\"type\":\"object\",\"properties\":{\"type\":" TEXT
                                                                                                                      ",\"title\":" TEXT
                                                                                                                      ",\"status\":{\"type\":\"integer\"},\"explanation\":" TEXT
                                                                                                                      "}},"
                                                                                                                      "\"ProblemsExplained\":" LIST(
                                                                                                                          REF("ProblemExplained")) "}";

struct ever_slice openapi_schemas(void)
{
    return slice_of(schemas, sizeof schemas - 1);
}
