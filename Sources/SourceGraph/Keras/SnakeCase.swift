extension String {
  /// A class name as Keras writes it where it counts layers: `BatchNormalization` as `batch_normalization` and
  /// `Conv2D` as `conv2d`.
  ///
  /// An underscore stands before each word that begins with a capital and goes on in small letters.
  package var snakeCased: String {
    let letters = Array(self)
    var result = ""
    for (index, letter) in letters.enumerated() {
      let startsWord =
        index > 0 && letter.isUppercase && index + 1 < letters.count
        && letters[index + 1].isLowercase
      result += (startsWord ? "_" : "") + letter.lowercased()
    }
    return result
  }
}
