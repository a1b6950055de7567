/// Pickles of protocol 3, put together by hand.
enum MadePickle {
  static func file(_ value: [UInt8]) -> [UInt8] { [0x80, 3] + value + [0x2E] }

  static func text(_ text: String) -> [UInt8] { [0x58] + count(text.utf8.count) + Array(text.utf8) }

  static func dictionary(_ pairs: [(String, [UInt8])]) -> [UInt8] {
    var result: [UInt8] = [0x7D, 0x28]
    for (key, value) in pairs { result += text(key) + value }
    return result + [0x75]
  }

  static func list(_ count: Int, of value: [UInt8]) -> [UInt8] {
    var result: [UInt8] = [0x5D, 0x28]
    for _ in 0..<count { result += value }
    return result + [0x65]
  }

  /// A text as the bytes of its codes.
  static func encoded(_ value: String) -> [UInt8] {
    Array("c_codecs\nencode\n".utf8) + text(value) + text("latin1") + [0x86, 0x52]
  }

  /// - Parameter keepsContent: whether the bytes are remembered as 9.
  static func array(
    _ sizes: [Int], sizes own: [UInt8]? = nil, order: String? = "<", bytes: [UInt8],
    keepsContent: Bool = false
  ) -> [UInt8] {
    let content: [UInt8] = [0x42] + count(bytes.count) + bytes
    return array(
      sizes, sizes: own, order: order, content: content + (keepsContent ? [0x71, 9] : []))
  }

  /// An array whose bytes are made by operations.
  ///
  /// - Parameters:
  ///   - own: the operations that make the shape, where the sizes do not.
  ///   - order: the order of bytes; where `nil`, nothing says it.
  static func array(
    _ sizes: [Int], sizes own: [UInt8]? = nil, order: String? = "<", content: [UInt8]
  ) -> [UInt8] {
    var result = Array("cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n".utf8)
    result += [0x4B, 0, 0x85, 0x43, 1, 0x62, 0x87, 0x52, 0x28, 0x4B, 1]
    result += own ?? shape(sizes)
    result += Array("cnumpy\ndtype\n".utf8) + text("f4") + [0x89, 0x88, 0x87, 0x52]
    if let order {
      result += [0x28, 0x4B, 3] + text(order)
      result += [0x4E, 0x4E, 0x4E, 0x74, 0x62]
    }
    return result + [0x89] + content + [0x74, 0x62]
  }

  /// An array as protocol 5 has one whose axes are in another order than its elements.
  static func transposed(_ sizes: [Int], axes: [Int], bytes: [UInt8]) -> [UInt8] {
    var result = Array("cnumpy._core.numeric\n_frombuffer\n(".utf8)
    result += [0x42] + count(bytes.count) + bytes
    result += Array("cnumpy\ndtype\n".utf8) + text("f4") + [0x89, 0x88, 0x87, 0x52]
    result += [0x28, 0x4B, 3] + text("<") + [0x4E, 0x4E, 0x4E, 0x74, 0x62]
    return result + shape(sizes) + text("K") + shape(axes) + [0x74, 0x52]
  }

  private static func shape(_ sizes: [Int]) -> [UInt8] {
    var result: [UInt8] = [0x28]
    for size in sizes { result += [0x4D, UInt8(size & 0xFF), UInt8(size >> 8)] }
    return result + [0x74]
  }

  private static func count(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
