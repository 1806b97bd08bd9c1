"${{ __toString = self: throw "in __toString of ${self.name}"; name = "thing"; }}"
