package fakecloud

// startHosts starts the other endpoints of managed identities.
func (s *Sandbox) startHosts() (err error) {
	if s.ArcAgent, err = StartArcAgent(s.Entra); err != nil {
		return err
	}
	s.closers = append(s.closers, s.ArcAgent.Close)
	if s.ServiceFabric, err = StartServiceFabric(s.Entra); err != nil {
		return err
	}
	s.closers = append(s.closers, s.ServiceFabric.Close)
	if s.AzureML, err = StartMSI(s.Entra, SandboxMSISecret, false); err != nil {
		return err
	}
	s.closers = append(s.closers, s.AzureML.Close)
	if s.OldAppService, err = StartMSI(s.Entra, SandboxMSISecret, true); err != nil {
		return err
	}
	s.closers = append(s.closers, s.OldAppService.Close)
	person := ManagedIdentity{Application: Application{TenantID: SandboxTenant, ClientID: "b677c290-cf4b-4a8e-a60e-91ba650a4abe", ObjectID: SandboxShellOID}}
	if s.CloudShell, err = StartCloudShell(s.Entra, person); err != nil {
		return err
	}
	s.closers = append(s.closers, s.CloudShell.Close)
	if s.TokenProxy, err = StartTokenProxy(s.CA, s.Entra); err != nil {
		return err
	}
	s.closers = append(s.closers, s.TokenProxy.Close)
	return nil
}
