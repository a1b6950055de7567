/// What each thread needs while it convolves, in one block of floats: floats, and addresses of pixels.
struct ThreadScratch {
  private let floatCount: Int
  private let addressCount: Int

  /// - Parameters:
  ///   - floats: how many floats a thread needs.
  ///   - addresses: how many addresses.
  init(floats: Int, addresses: Int) {
    // A few cache lines apart, so that the threads do not take each other's lines.
    floatCount = (floats + 63) / 32 * 32
    addressCount = (addresses + 31) / 16 * 16
  }

  private var perThread: Int { floatCount + addressCount * Self.floatsPerAddress }

  private static let floatsPerAddress =
    MemoryLayout<UnsafePointer<Float>>.size / MemoryLayout<Float>.size

  /// The floats of the block.
  func count(threads: Int) -> Int { perThread * threads }

  func floats(_ block: UnsafeMutablePointer<Float>, _ worker: Int) -> UnsafeMutablePointer<Float> {
    block + worker * perThread
  }

  func addresses(
    _ block: UnsafeMutablePointer<Float>, _ worker: Int
  ) -> UnsafeMutablePointer<UnsafePointer<Float>> {
    UnsafeMutableRawPointer(block + worker * perThread + floatCount)
      .bindMemory(to: UnsafePointer<Float>.self, capacity: addressCount)
  }
}
