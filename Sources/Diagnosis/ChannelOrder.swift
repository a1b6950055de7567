import Comparison

/// In which order the channels of a tensor or value stand, against the right one.
struct ChannelOrder: Hashable {
  /// Where each channel of what is right stands in what is there.
  let places: [Int]

  /// Whether every channel is where it belongs.
  var isIdentity: Bool { places.indices.allSatisfy { places[$0] == $0 } }

  /// Where each channel of what is there stands in what is right.
  var inverse: ChannelOrder {
    var result = places
    for (channel, place) in places.enumerated() where result.indices.contains(place) {
      result[place] = channel
    }
    return ChannelOrder(places: result)
  }

  /// The order in words, following "in another order: ".
  var explanation: String {
    let name = name
    guard (2...4).contains(places.count) else { return name ?? moved }
    // So few are listed: what stands in each place.
    let order = inverse.places.map(String.init).joined(separator: ", ")
    return name.map { "\(order) (\($0))" } ?? order
  }

  /// The rule of the order; `nil` where it follows none.
  private var name: String? {
    let wrong = places.indices.filter { places[$0] != $0 }
    if wrong.count == 2 { return "\(wrong[0]) and \(wrong[1]) are exchanged" }
    let count = places.count
    if self == .reversed(count) { return "reversed" }
    guard let first = places.first, self == .rotated(count, by: first) else { return nil }
    return "rotated by \(first * 2 <= count ? first : first - count)"
  }

  private var moved: String {
    let moved = places.indices.count { places[$0] != $0 }
    return "\(moved) of \(places.count) moved"
  }
}

extension ChannelOrder {
  /// The last channel first.
  static func reversed(_ count: Int) -> ChannelOrder {
    ChannelOrder(places: Array((0..<count).reversed()))
  }

  /// Every channel so many places further on, the last ones in front.
  static func rotated(_ count: Int, by distance: Int) -> ChannelOrder {
    ChannelOrder(places: (0..<count).map { ($0 + distance) % count })
  }

  /// Two channels in each other's place.
  static func exchanged(_ count: Int, _ first: Int, _ second: Int) -> ChannelOrder {
    var places = Array(0..<count)
    places.swapAt(first, second)
    return ChannelOrder(places: places)
  }

  /// Every order but the right one of so few channels that all can be tried, such as those of an image.
  static func all(_ count: Int) -> [ChannelOrder] {
    guard (2...4).contains(count) else { return [] }
    func permutations(_ rest: [Int]) -> [[Int]] {
      guard !rest.isEmpty else { return [[]] }
      return rest.flatMap { first in
        permutations(rest.filter { $0 != first }).map { [first] + $0 }
      }
    }
    return permutations(Array(0..<count)).map(ChannelOrder.init).filter { !$0.isIdentity }
  }

  /// The order that makes the channels of one side those of the other, where every channel has exactly
  /// one partner that is near enough; `nil` where one has none.
  ///
  /// - Parameters:
  ///   - count: the number of channels.
  ///   - key: a number by which likely partners are found: (channel, is right).
  ///   - tolerance: by how much the numbers of partners may differ.
  ///   - isSame: whether a channel of what is there is a channel of what is right.
  static func matching(
    _ count: Int, key: (Int, Bool) -> Double, tolerance: Double,
    isSame: (_ found: Int, _ right: Int) -> Bool
  ) -> ChannelOrder? {
    let keys = (0..<count).map { key($0, false) }
    guard keys.allSatisfy(\.isFinite) else { return nil }
    var rest = Array(0..<count).sorted { keys[$0] < keys[$1] }
    var places: [Int] = []
    for channel in 0..<count {
      let wanted = key(channel, true)
      var low = 0
      var high = rest.count
      while low < high {
        let middle = (low + high) / 2
        if keys[rest[middle]] < wanted - tolerance { low = middle + 1 } else { high = middle }
      }
      let near = rest[low...].prefix { keys[$0] <= wanted + tolerance }
      // A channel that is where it belongs stays there, whatever else is equal to it.
      let match =
        near.contains(channel) && isSame(channel, channel)
        ? near.firstIndex(of: channel) : near.firstIndex { isSame($0, channel) }
      guard let match else { return nil }
      places.append(rest.remove(at: match))
    }
    return ChannelOrder(places: places)
  }
}
