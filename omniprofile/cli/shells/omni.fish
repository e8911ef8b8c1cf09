
# Runs the vendor's CLI with the credential of the current profile, or of the one that `-p` names.
function omni --description 'omni, with the credential of the current profile'
    omniprofile __omni $argv
end
