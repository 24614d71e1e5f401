#!/usr/bin/env bash
# The direction of includes, as the README's tree of folders says: a folder may include the ones listed for it.
set -u
cd "$(dirname "$0")/../src"
status=0
allow() {  # folder, then what it may include
    local folder=$1; shift
    local allowed="^(support|$folder$(printf '|%s' "$@"))/"
    while IFS= read -r hit; do
        local included=${hit##*#include \"}; included=${included%%\"*}
        if ! [[ $included =~ $allowed ]]; then
            echo "$hit: $folder must not include $included"
            status=1
        fi
    done < <(grep -rHn '#include "' "$folder" --include='*.h' --include='*.cpp' || true)
}
allow support
allow shot
allow image
allow clip
allow text
allow model
allow provenance
allow render shot image clip text model provenance
allow cli render shot image clip text model provenance

refuse() {  # pattern, where it may stand, what for
    local hits
    hits=$(grep -rlE "$1" . --include='*.h' --include='*.cpp' | grep -vE "$2" || true)
    if [ -n "$hits" ]; then
        printf '%s: %s\n' "$3" "$hits"
        status=1
    fi
}
refuse '#include <OpenImageIO' '^\./image/.*\.cpp$' "OpenImageIO belongs to the sources of image/"
refuse '#include <fmt' '\.cpp$' "fmt must not stand in a header"
refuse '#include <torch/' '^\./model/distributed/rendezvous\.cpp$' "<torch/...> costs 45 s a file; ATen is enough"
refuse '#include <(ATen|c10)' '^\./(model|render)/' "tensors belong to model/ and render/"
refuse '(^|[^.A-Za-z_])exit\(' '^\./(main|support/interrupt|support/end_process)\.cpp$' "throw derrumbe::Error instead of exiting"
for wide in $(grep -rlE '#include <fmt' . --include='*.cpp'); do
    if grep -qE '#include <(ATen|c10)' "$wide"; then echo "$wide: fmt and LibTorch in one file"; status=1; fi
done
exit $status
