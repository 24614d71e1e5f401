#include "support/strings.h"

#include <catch2/catch.hpp>

using namespace derrumbe;

TEST_CASE("markup keeps a text's characters and loses what XML cannot hold", "[strings]") {
    CHECK(markupEscaped("a < b & \"c\" > 'd'") == "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;");
    CHECK(markupEscaped("one\ntwo\tthree\x01") == "one&#10;twothree");
    CHECK(markupEscaped("plaza España") == "plaza España");
}
