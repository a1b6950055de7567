/// The number of bytes to insert, delete or replace to get from one text to the other (Levenshtein).
package func editDistance(_ first: String, _ second: String) -> Int {
  let target = Array(second.utf8)
  var row = Array(0...target.count)
  for (index, byte) in first.utf8.enumerated() {
    var diagonal = row[0]
    row[0] = index + 1
    for column in target.indices {
      let substituted = diagonal + (byte == target[column] ? 0 : 1)
      diagonal = row[column + 1]
      row[column + 1] = min(substituted, row[column] + 1, row[column + 1] + 1)
    }
  }
  return row[target.count]
}

/// The name that somebody meant who wrote another one: the nearest, where few bytes differ.
///
/// - Parameters:
///   - text: what was written.
///   - names: what could be meant.
package func nearestName(to text: String, among names: [String]) -> String? {
  let allowed = max(text.utf8.count / 3, 1)
  // A name of any length has a distance; what was written is bounded before it is compared.
  guard text.utf8.count <= 64 else { return nil }
  return names.map { (distance: editDistance(text, $0), name: $0) }
    .filter { $0.distance <= allowed }.min { $0.distance < $1.distance }?.name
}
