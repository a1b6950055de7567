/// The program: everything runs on its first thread, and on those that the arithmetic starts for itself.
///
/// The runtime's own way of running asynchronous work starts threads, and waits without an end where the system gives none.
@main
struct EntryPoint {
  static func main() {
    CallingThread().run { await RNWCommand.main() }
  }
}
