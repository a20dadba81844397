// Promtail of the Loki library: the upstream repository has no main of it any more.
//
// It takes -config.file, and -check-syntax, which reads the file and ends.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/grafana/dskit/flagext"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/loki/v3/clients/pkg/promtail"
	"github.com/grafana/loki/v3/clients/pkg/promtail/client"
	"github.com/grafana/loki/v3/clients/pkg/promtail/config"
	"github.com/grafana/loki/v3/pkg/util/cfg"
	utillog "github.com/grafana/loki/v3/pkg/util/log"
)

// settings is Promtail's configuration with the two flags of this program.
type settings struct {
	config.Config `yaml:",inline"`
	file          string
	checkSyntax   bool
}

func (s *settings) RegisterFlags(flags *flag.FlagSet) {
	flags.StringVar(&s.file, "config.file", "", "file to read")
	flags.BoolVar(&s.checkSyntax, "check-syntax", false, "read the file and end")
	s.Config.RegisterFlags(flags)
}

func (s *settings) Clone() flagext.Registerer {
	copied := *s
	return &copied
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "promtail:", err)
		os.Exit(1)
	}
}

func run() error {
	var found settings
	if err := cfg.DefaultUnmarshal(&found, os.Args[1:], flag.CommandLine); err != nil {
		return err
	}
	if found.checkSyntax {
		return found.Validate()
	}
	utillog.InitLogger(&found.ServerConfig.Config, prometheus.DefaultRegisterer, false)
	metrics := client.NewMetrics(prometheus.DefaultRegisterer)
	agent, err := promtail.New(found.Config, nil, metrics, false)
	if err != nil {
		return err
	}
	defer agent.Shutdown()
	return agent.Run()
}
